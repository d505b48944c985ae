"""Tables about languages, and about the recognisers that can write them, for `backend.text.languages`."""

from __future__ import annotations

from typing import Final

LANGUAGE_ALIASES = {
    "ch": "zh", "chinese": "zh", "chinese_cht": "zh-Hant", "japan": "ja", "korean": "ko",
    "french": "fr", "german": "de", "rs_latin": "sr-Latn", "rs_cyrillic": "sr", "bh": "bho",
    "chi_sim": "zh", "chi_tra": "zh-Hant", "frk": "de", "deu_latf": "de", "ita_old": "it",
    "spa_old": "es", "kat_old": "ka",
}  # fmt: skip
"""PaddleOCR's and Tesseract's names of languages, where they are no language tags."""

INDIVIDUAL = {
    "ara": "arb", "aze": "azj", "est": "ekk", "lav": "lvs", "mon": "khk", "msa": "zsm", "nep": "npi",
    "fas": "pes", "pus": "pbu", "sqi": "als", "swa": "swh", "uzb": "uzn", "yid": "ydd", "kur": "kmr",
    "kom": "kpv", "bua": "bxr", "aym": "ayr", "grn": "gug", "orm": "gaz", "lah": "pnb",
    "nob": "nor", "chm": "mhr",
}  # fmt: skip
"""Macrolanguages whose letters hyperglot keeps under the language most people mean."""

LIKELY_SCRIPT = {"grc": "Grek"}
"""Where the likely script of CLDR is not what a page shows: Ancient Greek, by age, is Cypriot there."""

SCRIPTS = {
    "Hans": ("Hani",), "Hant": ("Hani",), "Jpan": ("Hira", "Kana", "Hani"), "Kore": ("Hang", "Hani"),
    "Latf": ("Latn",), "Latg": ("Latn",), "Aran": ("Arab",), "Cyrs": ("Cyrl",), "Geok": ("Geor",),
}  # fmt: skip
"""Script subtags that stand for others, the most telling one first."""

STANDARDS = {
    "zh": ("gb2312", 0xB0, 0xD7),
    "zh-Hant": ("big5", 0xA4, 0xC6),
    "yue": ("big5", 0xA4, 0xC6),
    "ja": ("euc_jp", 0xA4, 0xCF),
    "ko": ("euc_kr", 0xB0, 0xC8),
}
"""Codec and lead bytes of the common characters: level 1 of each standard, kana and Hangul included."""

ALSO = {"ar": "آأؤإئى"}
"""Letters that a page of the language shows and hyperglot leaves out: Arabic carriers of hamza."""

OBSOLETE = {"th": "ฃฅ\u0e3a\u0e4e"}
"""Letters that hyperglot lists and nobody writes any more; a reader does not need to know them."""

RECOGNISER_LETTERS = {
    "eslav": "\u0401\u0404\u0406\u0407\u040e\u0410-\u044f\u0451\u0454\u0456\u0457\u045e\u0490\u0491",
    "cyrillic": "\u0400-\u0481\u048a-\u04a3\u04a6-\u04b3\u04b6-\u04d3\u04d6-\u052f",
    "latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f",
    "arabic": "\u0610-\u061a\u0621-\u063a\u0641-\u0657\u065a-\u065f\u0670-\u06d3\u06d5-\u06dc\u06e1-\u06e8"
    "\u06ed-\u06ef\u0750-\u077f",
    "devanagari": "\u0900-\u0950\u0955-\u0957\u0960-\u0963\u0971-\u097f",
    "th": "\u0e01\u0e02\u0e04-\u0e3a\u0e40-\u0e4d",
    "el": "\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce",
    "ta": "\u0b82\u0b83\u0b85-\u0b8a\u0b8e-\u0b90\u0b92-\u0b95\u0b99\u0b9a\u0b9c\u0b9e\u0b9f\u0ba3\u0ba4"
    "\u0ba8-\u0baa\u0bae-\u0bb9\u0bbe-\u0bc2\u0bc6-\u0bc8\u0bca-\u0bcd\u0bd0\u0bd7",
    "te": "\u0c00-\u0c0c\u0c0e-\u0c10\u0c12-\u0c28\u0c2a-\u0c39\u0c3c-\u0c44\u0c46-\u0c48\u0c4a-\u0c4d\u0c55"
    "\u0c56\u0c58-\u0c5a\u0c5d\u0c60-\u0c63",
}
"""The letters in the dictionary of each PP-OCRv5 language model, of the script that it was made for.

Counted in the dictionaries of PaddleOCR 3.7, whose own list of languages promises more: `latin` has
no Vietnamese and no Azerbaijani `ə`, `cyrillic` no Ossetian `ӕ`.
"""

V6_LETTERS = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af"
"""The Latin letters in the dictionary of PP-OCRv6_small_rec; of Vietnamese it has two letters only.

Its whole dictionary has 18,708 entries, with Chinese and Japanese, and neither Cyrillic nor Greek.
"""

V6_HAN: Final = frozenset({"zh", "zh-Hant", "yue", "ja"})
"""Languages with thousands of characters that its dictionary has, but for rare ones."""

V6_READS: Final = "PP-OCRv6_small_rec"
"""The recogniser of every Latin language whose letters it has, by measurement.

With spaces, on 160 rendered lines of real sentences each, CER of PP-OCRv5_mobile_rec and of this one,
percent: Italian 0.32 and 0.00, German 0.75 and 0.08, English 0.89 and 0.26, French 2.17 and 0.31, Czech
3.72 and 0.21, Polish 5.38 and 0.38, Turkish 6.62 and 0.68, Spanish 0.54 and 0.07, Azerbaijani 14.39 and
0.64, Romanian 5.40 and 0.39, Hungarian 1.92 and 0.37, Portuguese 1.97 and 0.16; Chinese 1.93 and 0.86,
traditional 3.02 and 1.41, Japanese 2.80 and 2.22. It finds 99.1 to 100 % of the spaces between Latin words.
More, and what was not measured: docs/models.md.
"""

TESSERACT = """
    afr amh ara asm aze aze_cyrl bel ben bod bos bre bul cat ceb ces chi_sim chi_tra chr cos cym dan deu
    div dzo ell eng enm epo est eus fao fas fil fin fra frm fry gla gle glg grc guj hat heb hin hrv hun
    hye iku ind isl ita jav jpn kan kat kaz khm kir kmr kor lao lat lav lit ltz mal mar mkd mlt mon mri
    msa mya nep nld nor oci ori pan pol por pus que ron rus san sin slk slv snd spa sqi srp srp_latn sun
    swa swe syr tam tat tel tgk tha tir ton tur uig ukr urd uzb uzb_cyrl vie yid yor
"""
"""Languages that Debian packages for Tesseract."""

TESSERACT_NAMES = {
    "zh": "chi_sim", "zh-Hant": "chi_tra", "yue": "chi_tra", "ku": "kmr", "nb": "nor", "nn": "nor",
}  # fmt: skip
