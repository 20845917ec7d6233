"""Tools that all reports share: text, figures and HTML pages."""
