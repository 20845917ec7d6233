"""Which records of a data set are near relatives: sketches of their k-mers, and who shares how many of them with whom.

`sketches.sketch` samples the k-mers (of texts: the shingles) of every record; `shared.nearest` finds the nearest relative of
each record of one set in another, `shared.similar_pairs` all pairs of relatives; `nearness` is what a data set stores.
"""
