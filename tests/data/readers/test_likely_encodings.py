"""The encoding that is recommended for a text that is not UTF-8 is one in which it is a text."""

import pytest

from seqmix.data.readers.likely_encodings import likely_encodings
from tests.support.preparing import message_of, read

TEXTS = {
    "cp1251": "хорошая погода сегодня была в городе весь день",
    "koi8-r": "хорошая погода сегодня была в городе весь день",
    "gb18030": "今天天气很好我们一起去公园散步吧他说这个问题很重要",
    "big5": "今天天氣很好我們一起去公園散步吧",
    "euc_kr": "오늘은 날씨가 좋습니다 우리는 공원에 갑니다",
    "euc_jp": "今日はとても天気がいいので公園に行きます",
    "shift_jis": "今日はとても天気がいいので公園に行きます",
    "cp1253": "καλημέρα σήμερα καιρός είναι καλός",
    "cp1256": "الطقس جميل اليوم في المدينة",
    "cp1255": "מזג האוויר יפה היום בעיר",
    "latin-1": "été à la forêt où le garçon dîne déjà",
    "cp1252": "„schöne Grüße aus München“",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_likely_encodings_hold_the_one_of_the_text(encoding):
    found = likely_encodings((TEXTS[encoding] + " 12, abc; ").encode(encoding) * 3)
    assert encoding in found and len(found) <= 3


@pytest.mark.parametrize("encoding", ["cp1251", "gb18030", "euc_jp", "big5"])
@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.jsonl"])
def test_following_the_advice_gives_the_text(name, encoding, tmp_path):
    text = TEXTS[encoding]
    form = {"x.csv": f"text,label\n{text},a\n", "x.txt": text, "x.jsonl": f'{{"text": "{text}"}}\n'}[name]
    (tmp_path / name).write_bytes(form.encode(encoding))
    assert f"encoding='{encoding}'" in message_of(read, tmp_path / name)
    assert read(tmp_path / name, encoding=encoding)[0].text == text
