"""What several readings of one line are worth together."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.errors import SettingsWrong
from backend.page.lines import Reading, Reason, ReasonKind, Verdict
from backend.page.print_quality import PrintQuality
from backend.text.cleaning import visible_text
from backend.text.house_style import by_the_rule
from backend.text.look_alikes import unify_scripts
from backend.text.probability import shipped
from backend.text.verdicts import doubt_sameness, judge

LONG = " ".join(map(str, range(150)))
TWO_FOR_RUSSIAN = "tesseract-ocr-rus, eslav_PP-OCRv5_mobile_rec"
FAILED = "no answer in 60 s"
PROMPT = "Read the text in this image exactly as it is written: no explanation."
texts = st.one_of(st.text(st.characters(codec=None)), st.text('AАBВCСтола ёе-—«"0О\ud800', max_size=12))


def read(*answers, language="ru", crop_size=(900, 40), line_score=1.0):
    """Judge answers of unlike readers; None is a reader that failed."""
    readings = [
        Reading(f"reader {place}", error=FAILED) if answer is None else Reading(f"reader {place}", answer)
        for place, answer in enumerate(answers)
    ]
    return judge(readings, crop_size=crop_size, language=language, line_score=line_score, prompts=[PROMPT])


def kinds(judgement):
    return [reason.kind for reason in judgement.reasons]


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        pytest.param("Счёт 12", "Счёт 12", Verdict.AGREED, id="same"),
        pytest.param("\u0439", "\u0438\u0306", Verdict.AGREED, id="same letter, other Unicode form"),
        pytest.param("Счёт\u00a012 ", "Счёт  12", Verdict.AGREED, id="other spaces"),
        pytest.param("a — b…", "a - b...", Verdict.AGREED, id="dash and ellipsis"),
        pytest.param("ООО «Ромашка»", 'ООО "Ромашка"', Verdict.AGREED, id="quotes"),
        pytest.param("об’єкт", "об'єкт", Verdict.AGREED, id="apostrophe"),
        pytest.param("Cтол", "Стол", Verdict.AGREED, id="Latin letter in a Cyrillic word"),
        pytest.param("Cтол", "Cтол", Verdict.AGREED, id="the same Latin letter in both"),
        pytest.param("вышел c ним", "вышел с ним", Verdict.AGREED, id="a word whose neighbours tell"),
        pytest.param("15.90", "15.90", Verdict.AGREED, id="digits"),
        pytest.param("MOCKBA", "МОСКВА", Verdict.AGREED, id="a long word of look-alikes alone"),
        pytest.param("с.ivanov@mail.ru", "c.ivanov@mail.ru", Verdict.AGREED, id="an e-mail address"),
        pytest.param("Wі-Fі", "Wi-Fi", Verdict.AGREED, id="one Latin capital and a Ukrainian letter"),
        pytest.param("Я не вижу моря из окна", "Я не вижу моря из окна", Verdict.AGREED, id="no excuse"),
        pytest.param("|3010", "|3010", Verdict.DISPUTED, id="both read a table's rule"),
        pytest.param("268, 32", "268, 32", Verdict.DISPUTED, id="both break a number"),
        pytest.param("З00 руб.", "З00 руб.", Verdict.DISPUTED, id="both read a letter for a digit"),
        pytest.param("---------", "---------", Verdict.AGREED, id="a rule"),
        pytest.param("Счёт 12", "Счет 12", Verdict.DISPUTED, id="ё is not е"),
        pytest.param("Москва", "москва", Verdict.DISPUTED, id="capital"),
        pytest.param("при вет", "привет", Verdict.DISPUTED, id="a space inside"),
        pytest.param("МОСТ", "MOCT", Verdict.DISPUTED, id="a word of look-alikes alone"),
        pytest.param("АB 12", "АB 12", Verdict.DISPUTED, id="both mix scripts and nothing tells"),
        pytest.param("10", "1О", Verdict.DISPUTED, id="digit and letter"),
        pytest.param("№ 1", "No 1", Verdict.DISPUTED, id="what NFKC would make equal"),
        pytest.param("", "12", Verdict.DISPUTED, id="only the second saw text"),
        pytest.param("12", None, Verdict.DISPUTED, id="the second failed"),
        pytest.param("да " * 20, "да " * 20, Verdict.DISPUTED, id="both loop"),
        pytest.param("東京都", "東京都", Verdict.DISPUTED, id="both in another script"),
        pytest.param("Я не могу прочитать", "Я не могу прочитать", Verdict.DISPUTED, id="both refuse"),
        pytest.param(PROMPT, PROMPT, Verdict.DISPUTED, id="both repeat the prompt"),
        pytest.param(LONG, LONG, Verdict.DISPUTED, id="both longer than the crop"),
        pytest.param("", "", Verdict.NO_TEXT, id="two empty readings are no agreement"),
        pytest.param("\u200b", "\x00", Verdict.NO_TEXT, id="nothing visible"),
        pytest.param("", None, Verdict.UNREAD, id="nothing seen, and one could not look"),
        pytest.param(None, None, Verdict.UNREAD, id="both failed"),
    ],
)
def test_only_readings_that_say_the_same_are_agreed(first, second, verdict):
    assert read(first, second).verdict is verdict
    assert read(second, first).verdict is verdict


@pytest.mark.parametrize(
    ("answers", "verdict", "text"),
    [
        pytest.param([], Verdict.UNREAD, "", id="no reading"),
        pytest.param([None], Verdict.UNREAD, "", id="one that failed"),
        pytest.param([""], Verdict.NO_TEXT, "", id="one that saw nothing"),
        pytest.param(["Стол"], Verdict.DISPUTED, "Стол", id="one alone confirms nothing"),
        pytest.param(["Стул", "Стол", "Стол"], Verdict.DISPUTED, "Стол", id="two against an unlike one"),
        pytest.param(["Стол", "Стол", ""], Verdict.DISPUTED, "Стол", id="two, and an unlike one saw nothing"),
        pytest.param(["Стол", "Стол", "Стол"], Verdict.AGREED, "Стол", id="all three"),
        pytest.param(["Стол", None, "Стол"], Verdict.AGREED, "Стол", id="two of three, one failed"),
        pytest.param(["Стол", "", ""], Verdict.DISPUTED, "Стол", id="one of three"),
        pytest.param(["Стол", "Стул", "Стал"], Verdict.DISPUTED, "Стол", id="three different"),
        pytest.param(
            ["Стул", "Стол", "Стол", None], Verdict.DISPUTED, "Стол", id="two of four are no majority"
        ),
        pytest.param(["Стол", "Стол", None, None], Verdict.DISPUTED, "Стол", id="nor with two failed"),
        pytest.param(["", "", ""], Verdict.NO_TEXT, "", id="three that saw nothing"),
    ],
)
def test_any_number_of_readings(answers, verdict, text):
    judgement = read(*answers)
    assert (judgement.verdict, judgement.text) == (verdict, text)


@pytest.mark.parametrize(
    ("language", "first", "second", "text"),
    [
        pytest.param("en", "Thе cаt", "The cat", "The cat", id="English with Cyrillic letters"),
        pytest.param("en", "Thе cаt", "Thе cаt", "The cat", id="by both"),
        pytest.param("sr", "jе", "је", "је", id="Serbian with a Latin j"),
        pytest.param("ru", "MOCKBA", "MOCKBA", "МОСКВА", id="a Russian word in Latin capitals, by both"),
        pytest.param("ru", "0 °С", "0 °С", "0 °C", id="degrees with a Cyrillic letter, by both"),
        pytest.param(
            "ru", "(далее —«Счет»)", "(далее –«Счет»)", "(далее –«Счет»)", id="a dash before a quote"
        ),
        pytest.param(
            "ru", "окончание - 25.12.2019", "окончание — 25.12.2019", "окончание – 25.12.2019", id="a dash"
        ),
        pytest.param("uk", "Київ і Львів", "Київ і Львів", "Київ і Львів", id="Ukrainian"),
        pytest.param("kk", "әже", "әже", "әже", id="Kazakh"),
        pytest.param("tr", "İstanbul ılık", "İstanbul ılık", "İstanbul ılık", id="Turkish"),
        pytest.param("ru", "H₂SO₄, м²", "H₂SO₄, м²", "H₂SO₄, м²", id="formulas"),
    ],
)
def test_pairs_that_are_agreed_and_what_is_written(language, first, second, text):
    judgement = read(first, second, language=language)
    assert (judgement.verdict, judgement.text) == (Verdict.AGREED, text)


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        pytest.param("ru", "№ 7", "N° 7", id="another sign"),
        pytest.param("ru", "100 ₽", "100 Р", id="a rouble and a letter"),
        pytest.param("ru", "III", "Ш", id="a Roman three"),
        pytest.param("ru", "½", "1/2", id="a fraction"),
        pytest.param("ru", "20°", "20'", id="degrees and minutes"),
        pytest.param("ru", "[неразборчиво]", "[неразборчиво]", id="nothing read, in brackets"),
        pytest.param("ru", "no explanation", "no explanation", id="a piece of the prompt"),
        pytest.param("ru", "РОТВЕВ-РВАУА.СОМ", "РОТВЕВ-РВАУА.СОМ", id="an address in Cyrillic"),
        pytest.param("ru", "ВК-О5О", "ВК-О5О", id="letters for zeros"),
        pytest.param("ru", "的", "的", id="one strange letter"),
        pytest.param("ru", "[Консультационные", "[Консультационные", id="a lone bracket"),
        pytest.param("ru", "].", "].", id="a Roman one, misread"),
        pytest.param("ru", "30101810400000000225-", "30101810400000000225-", id="a rule behind digits"),
    ],
)
def test_pairs_that_a_person_has_to_see(language, first, second):
    assert read(first, second, language=language).verdict is Verdict.DISPUTED


ENGINES = {"ernie one": "ERNIE", "ernie two": "ERNIE", "tesseract": "Tesseract", "paddle": "PP-OCR"}


def read_by_families(**answers):
    """Judge what `e1`, `e2` (one model), `t` and `p` (other engines) answered; None failed."""
    names = dict(zip(("e1", "e2", "t", "p"), ENGINES, strict=True))
    readings = [
        Reading(names[who], error=FAILED) if answer is None else Reading(names[who], answer)
        for who, answer in answers.items()
    ]
    return judge(readings, crop_size=(900, 40), language="ru", families=ENGINES)


@pytest.mark.parametrize(
    ("answers", "verdict", "reasons"),
    [
        pytest.param(
            {"e1": "МР-полной", "e2": "МР-полной", "t": "NP-полной"},
            Verdict.DISPUTED,
            [ReasonKind.LOOK_ALIKE, ReasonKind.DIFFERENT, ReasonKind.DISSENT],
            id="two prompts do not outvote another engine",
        ),
        pytest.param(
            {"e1": "Стол", "e2": "Стол", "t": ""},
            Verdict.DISPUTED,
            [ReasonKind.ONLY_ONE_SAW_TEXT, ReasonKind.DISSENT],
            id="nor one that saw nothing",
        ),
        pytest.param(
            {"e1": "Стол", "t": "Стол", "p": "Стул"},
            Verdict.DISPUTED,
            [ReasonKind.DIFFERENT, ReasonKind.DISSENT],
            id="nor do two engines outvote a third",
        ),
        pytest.param({"e1": "Стол", "e2": "Стол"}, Verdict.AGREED, [ReasonKind.ONE_FAMILY], id="one family"),
        pytest.param(
            {"e1": "Стол", "e2": "Стол", "t": None},
            Verdict.AGREED,
            [ReasonKind.ONE_FAMILY],
            id="one family, the other could not look",
        ),
        pytest.param({"e1": "Стол", "t": "Стол"}, Verdict.AGREED, [], id="two families"),
        pytest.param({"e1": "Стол", "e2": "Стол", "t": "Стол"}, Verdict.AGREED, [], id="all"),
        pytest.param(
            {"e1": "Стол", "e2": "Стул", "t": "Стол"},
            Verdict.AGREED,
            [ReasonKind.DISSENT],
            id="two families, and one prompt reads otherwise",
        ),
    ],
)
def test_no_family_of_engines_is_outvoted_in_silence(answers, verdict, reasons):
    judgement = read_by_families(**answers)
    assert (judgement.verdict, kinds(judgement)) == (verdict, reasons)


def test_the_reader_that_stands_against_the_others_is_named():
    judgement = read_by_families(e1="МР-полной", e2="МР-полной", t="NP-полной")
    assert judgement.reasons[-1] == Reason(ReasonKind.DISSENT, "NP-полной", "tesseract")
    assert read_by_families(e1="Стол", e2="Стол").reasons == (Reason(ReasonKind.ONE_FAMILY, "ERNIE"),)


def test_what_two_families_say_scores_higher_than_what_one_says():
    for text in ("Стол", "15.90"):
        unlike = read_by_families(e1=text, t=text).score
        alike = read_by_families(e1=text, e2=text).score
        against = read_by_families(e1=text, e2=text + "1", t=text).score
        assert unlike > against > alike > 0.9


def read_with_a_witness(e1, e2, witness, text="Стол"):
    """Two prompts of one model, and a witness of another family; True says `text`, None failed."""
    said = {"ernie one": e1, "tesseract": witness, "ernie two": e2}
    answers = {who: text if answer is True else answer for who, answer in said.items()}
    readings = [
        Reading(who, error=FAILED) if answer is None else Reading(who, answer)
        for who, answer in answers.items()
    ]
    return judge(
        readings, crop_size=(900, 40), language="ru", families=ENGINES, witnesses=frozenset({"tesseract"})
    )


@pytest.mark.parametrize(
    ("answers", "verdict", "text", "reasons"),
    [
        pytest.param((True, True, True), Verdict.AGREED, "Стол", [], id="assents: another family"),
        pytest.param(
            (True, True, "Стул"),
            Verdict.AGREED,
            "Стол",
            [Reason(ReasonKind.DISSENT, "Стул", "tesseract"), Reason(ReasonKind.ONE_FAMILY, "ERNIE")],
            id="dissents: shown, never outvotes",
        ),
        pytest.param(
            (True, True, ""),
            Verdict.AGREED,
            "Стол",
            [Reason(ReasonKind.DISSENT, "", "tesseract"), Reason(ReasonKind.ONE_FAMILY, "ERNIE")],
            id="saw nothing",
        ),
        pytest.param(
            (True, True, None),
            Verdict.AGREED,
            "Стол",
            [Reason(ReasonKind.ONE_FAMILY, "ERNIE")],
            id="could not look",
        ),
        pytest.param(
            ("Стул", True, True),
            Verdict.DISPUTED,
            "Стол",
            [Reason(ReasonKind.DIFFERENT, "у", "о")],
            id="makes no agreement, and supports a text",
        ),
        pytest.param(
            (True, None, True),
            Verdict.DISPUTED,
            "Стол",
            [Reason(ReasonKind.READER_FAILED, "ernie two", FAILED)],
            id="replaces no reader that failed",
        ),
        pytest.param(
            ("", "", True),
            Verdict.NO_TEXT,
            "",
            [Reason(ReasonKind.DISSENT, "Стол", "tesseract")],
            id="alone saw text",
        ),
        pytest.param(
            ("", None, True),
            Verdict.DISPUTED,
            "Стол",
            [
                Reason(ReasonKind.READER_FAILED, "ernie two", FAILED),
                Reason(ReasonKind.ONLY_ONE_SAW_TEXT, "Стол", "tesseract"),
            ],
            id="alone saw text, and a reader failed",
        ),
        pytest.param(
            (None, None, True),
            Verdict.DISPUTED,
            "Стол",
            [Reason(ReasonKind.READER_FAILED, f"ernie {one}", FAILED) for one in ("one", "two")],
            id="all others failed: its text is filled in",
        ),
        pytest.param(
            (None, None, None),
            Verdict.UNREAD,
            "",
            [Reason(ReasonKind.READER_FAILED, f"ernie {one}", FAILED) for one in ("one", "two")],
            id="all failed",
        ),
    ],
)
def test_a_witness_is_evidence_and_no_vote(answers, verdict, text, reasons):
    judgement = read_with_a_witness(*answers)
    assert (judgement.verdict, judgement.text, list(judgement.reasons)) == (verdict, text, reasons)


def test_a_witness_raises_the_score_by_its_assent_and_lowers_it_by_its_dissent():
    assent, dissent, absent = (read_with_a_witness(True, True, said).score for said in (True, "Стул", None))
    assert assent > absent >= dissent


SPOILED = PrintQuality(contrast=0.2, sharpness=0.1, grain=0.2)


def weakly(said, score, quality=None):
    """Judge two renderings of Tesseract that say the same, each as sure as that."""
    engines = {"line": "Tesseract", "raw": "Tesseract"}
    readings = [Reading(name, said, score) for name in engines]
    return judge(readings, crop_size=(400, 40), language="ru", families=engines, quality=quality)


def test_a_text_on_weak_evidence_is_disputed_and_stays_filled_in():
    sure, unsure = weakly("Счёт на оплату", 0.96), weakly("Счёт на оплату", 0.1, SPOILED)
    assert (sure.verdict, unsure.verdict) == (Verdict.AGREED, Verdict.DISPUTED)
    assert sure.score > shipped().threshold > unsure.score
    assert unsure.text == "Счёт на оплату"
    percent = str(int(100 * unsure.score))
    assert unsure.reasons == (
        Reason(ReasonKind.WEAK_EVIDENCE, percent),
        Reason(ReasonKind.ONE_FAMILY, "Tesseract"),
    )


def test_the_dissent_of_a_witness_can_make_the_evidence_too_weak():
    engines = {"line": "Tesseract", "raw": "Tesseract", "paddle": "PP-OCR"}

    def read_beside(witness):
        scores = zip(engines, ("Счёт", "Счёт", witness), (0.6, 0.6, 0.95), strict=True)
        readings = [Reading(name, text, score) for name, text, score in scores]
        return judge(
            readings,
            crop_size=(160, 40),
            language="ru",
            families=engines,
            witnesses=["paddle"],
            quality=SPOILED,
        )

    assert read_beside("Счёт").verdict is Verdict.AGREED
    doubted = read_beside("Счёл")
    assert (doubted.verdict, doubted.text) == (Verdict.DISPUTED, "Счёт")
    assert kinds(doubted)[:2] == [ReasonKind.WEAK_EVIDENCE, ReasonKind.DISSENT]


def test_a_doubtful_text_of_a_witness_makes_no_line_doubtful():
    judgement = read_with_a_witness(True, True, "I cannot read this image.")
    assert (judgement.verdict, kinds(judgement)[0]) == (Verdict.AGREED, ReasonKind.DISSENT)


def test_dashes_of_a_witness_change_nothing_that_the_readers_agree_on():
    judgement = read_with_a_witness(True, True, "а - б", text="а — б")
    assert (judgement.text, judgement.reasons) == ("а — б", ())


def test_readings_of_witnesses_alone_are_ordinary_readings():
    readings = [Reading("tesseract", "Стол"), Reading("paddle", "Стол")]
    judged = judge(readings, crop_size=(900, 40), language="ru", witnesses=["tesseract", "paddle"])
    assert judged.verdict is Verdict.AGREED


def test_what_two_families_say_is_likelier_than_what_one_says_twice():
    judgement = read_by_families(e1="Стол", e2="Стул", t="Стул", p=None)
    assert (judgement.verdict, judgement.text) == (Verdict.DISPUTED, "Стул")


def test_one_reader_asked_twice_confirms_nothing():
    same = [Reading("ernie, prompt 1", "Стол"), Reading("ernie, prompt 1", "Стол")]
    judgement = judge(same, crop_size=(200, 40), language="ru")
    assert judgement.verdict is Verdict.DISPUTED
    assert kinds(judgement) == [ReasonKind.ONE_READER]
    third = judge([*same, Reading("paddle", "Стул")], crop_size=(200, 40), language="ru")
    assert third.verdict is Verdict.DISPUTED


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        pytest.param("начало — 15.09", "начало - 15.09", "начало – 15.09", id="the house's dash, nobody's"),
        pytest.param("из—за", "из-за", "из-за", id="a hyphen without spaces"),
        pytest.param("начало — 15.09", "начало — 15.09", "начало — 15.09", id="a dash that both read"),
        pytest.param("окно №7...", "окно № 7…", "окно № 7…", id="a number and an ellipsis"),
        pytest.param("0 °С", "0 °C", "0 °C", id="degrees, in either script"),
        pytest.param("«Зефир»", '"Зефир"', "«Зефир»", id="the first reader's own quotes"),
        pytest.param('"Зефир"', "«Зефир»", '"Зефир"', id="whichever is first"),
        pytest.param("и\u0306\u00a0 ½", "й ½", "й ½", id="NFC and plain spaces, nothing of NFKC"),
        pytest.param("Cтoл", "Стол", "Стол", id="the script of the word"),
        pytest.param("Cтол", "Cтол", "Стол", id="also where both are wrong alike"),
        pytest.param("NР 1", "NP 1", "NP 1", id="a Latin word"),
    ],
)
def test_the_agreed_text(first, second, text):
    assert read(first, second).text == text


@pytest.mark.parametrize(
    ("first", "second", "style", "text", "reasons"),
    [
        pytest.param("а — б", "а - б", "house", "а – б", ["house style", "house style"], id="both noted"),
        pytest.param("а – б", "а - б", "house", "а – б", ["house style"], id="one noted"),
        pytest.param("а — б", "а — б", "house", "а — б", [], id="read alike"),
        pytest.param("а — б", "а — б", "house-dashes", "а – б", ["house style"], id="every dash"),
        pytest.param("а — б", "а - б", "as-read", "а — б", ["punctuation"], id="as read, and noted"),
        pytest.param("№7", "№7", "as-read", "№7", ["digits only"], id="as read"),
        pytest.param("«Зефир»", '"Зефир"', "house", "«Зефир»", ["punctuation"] * 2, id="quotes have no rule"),
    ],
)
def test_which_marks_are_written_is_a_setting_and_a_note(first, second, style, text, reasons):
    readings = [Reading("one", first), Reading("two", second)]
    judgement = judge(readings, crop_size=(900, 40), language="ru", style=style)
    assert (judgement.verdict, judgement.text) == (Verdict.AGREED, text)
    assert [reason.kind.value for reason in judgement.reasons] == reasons


def test_a_mark_that_no_rule_settles_scores_lower():
    assert read("«а»", '"а"').score < read("«а»", "«а»").score


def test_the_house_rule_is_also_what_is_filled_in_and_no_difference_by_itself():
    judgement = read("ёж — №7", "еж - № 7")
    assert (judgement.verdict, judgement.text) == (Verdict.DISPUTED, "ёж – № 7")
    assert judgement.reasons == (Reason(ReasonKind.DIFFERENT, "ё", "е"),)


def test_what_looks_like_an_excuse_and_two_engines_read_stays_in_the_field():
    excuse = "Я не могу прочитать это письмо"
    unlike = read_by_families(e1=excuse, t=excuse)
    assert (unlike.verdict, unlike.text) == (Verdict.DISPUTED, excuse)
    alike = read_by_families(e1=excuse, e2=excuse)
    assert (alike.verdict, alike.text) == (Verdict.DISPUTED, "")


def test_a_doubtful_edge_does_not_hide_what_else_differs():
    assert kinds(read("|Счёт", "Счет")) == [
        ReasonKind.EDGE_MARK,
        ReasonKind.DIFFERENT,
        ReasonKind.PUNCTUATION,
    ]


def test_too_short_an_answer_for_its_ink_is_doubted():
    readings = [Reading("one", "OK"), Reading("two", "OK")]
    judgement = judge(readings, crop_size=(900, 40), language="ru", ink_length=800)
    assert (judgement.verdict, kinds(judgement)) == (Verdict.DISPUTED, [ReasonKind.TOO_SHORT])


@pytest.mark.parametrize(
    ("texts", "doubted"),
    [
        pytest.param(["Счёт"] * 4, True, id="four lines"),
        pytest.param(["Счёт", "", "Счёт", "Счёт", "Счёт"], True, id="one without text"),
        pytest.param(["Счёт"] * 3, False, id="three may be chance"),
        pytest.param(["Счёт"] * 9 + ["Итог"], False, id="one line reads otherwise"),
        pytest.param(["", "", "", ""], False, id="no text anywhere"),
    ],
)
def test_a_page_on_which_every_line_reads_the_same_is_doubted(texts, doubted):
    judged = doubt_sameness([read(text, text) for text in texts])
    assert [each.text for each in judged] == texts
    for each in judged:
        if each.text:
            assert (each.verdict is Verdict.DISPUTED) is doubted
            assert (kinds(each)[:1] == [ReasonKind.SAME_EVERYWHERE]) is doubted
            assert doubted is (each.score <= 0.1)


def test_a_repaired_word_is_noted_and_not_doubted():
    judgement = read("Cтол", "Cтол")
    assert judgement.verdict is Verdict.AGREED
    assert judgement.reasons == (Reason(ReasonKind.MIXED_SCRIPT, "Cтол", "Стол"),)


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        pytest.param("I'm sorry, I cannot read it", "Стул", "Стул", id="not an excuse"),
        pytest.param(PROMPT, "Стул", "Стул", id="not an echo"),
        pytest.param("I'm sorry, I cannot read it", "", "", id="rather nothing than an excuse"),
        pytest.param("да " * 20, "Стул", "Стул", id="not a loop"),
        pytest.param("Bpemg Boma", "время вода", "время вода", id="the project's letters"),
        pytest.param("Шindows 10", "Windows 10", "Windows 10", id="a word of one script"),
        pytest.param("|Стол", "Стол", "Стол", id="not a table's rule"),
        pytest.param("Стол", "Стул", "Стол", id="else the first"),
        pytest.param("", "Стул", "Стул", id="what there is"),
        pytest.param("cтол", None, "стол", id="repaired as well"),
    ],
)
def test_the_likelier_text_is_filled_in(first, second, text):
    judgement = read(first, second)
    assert (judgement.verdict, judgement.text) == (Verdict.DISPUTED, text)


@pytest.mark.parametrize(
    ("scores", "text"),
    [
        ((0.4, 0.9), "Стул"),
        ((0.9, 0.4), "Стол"),
        ((0.4, None), "Стул"),
        ((0.9, None), "Стол"),
        ((math.nan, 0.1), "Стул"),
    ],
)
def test_the_readers_own_scores_decide_and_one_that_has_none_counts_as_ordinarily_sure(scores, text):
    readings = [Reading("one", "Стол", scores[0]), Reading("two", "Стул", scores[1])]
    assert judge(readings, crop_size=(200, 40), language="ru").text == text


@pytest.mark.parametrize(
    ("answers", "reasons"),
    [
        pytest.param(["AB-1", "АВ-1"], [("look-alike", "AB", "АВ")], id="look-alikes"),
        pytest.param(["ёж", "еж"], [("different", "ё", "е")], id="ё and е"),
        pytest.param(["", "12"], [("only one saw text", "12", "reader 1")], id="only one saw text"),
        pytest.param(["12", None], [("reader failed", "reader 1", FAILED)], id="one failed"),
        pytest.param(["12"], [("one reader", "", "")], id="one reader"),
        pytest.param(["АB", "АB"], [("mixed scripts in one word", "АB", "")], id="a word that tells nothing"),
        pytest.param(["12", "12"], [("digits only", "", "")], id="digits, a note"),
        pytest.param(["да" * 9, "Стол"], [("repeats itself", "да", "reader 0")], id="a loop is not compared"),
        pytest.param(["東京", "東京"], [("wrong script", "", "reader 0")], id="a doubt about both"),
        pytest.param([], [("no reader", "ru", TWO_FOR_RUSSIAN)], id="no reader"),
        pytest.param(["Стол", "Стол"], [], id="nothing to say"),
    ],
)  # fmt: skip
def test_the_reasons(answers, reasons):
    assert [(reason.kind.value, reason.first, reason.second) for reason in read(*answers).reasons] == reasons


def test_a_reader_for_the_language_is_named_where_there_is_one():
    assert read(language="ka").reasons == (Reason(ReasonKind.NO_READER, "ka", "tesseract-ocr-kat"),)


def test_a_guard_on_any_of_the_agreeing_texts_is_a_doubt():
    # three dots are wider than one ellipsis, so only one of the two is too long
    short, long = "…" * 10, "..." * 10
    size = (70, 40)
    assert read(short, long, crop_size=size).verdict is read(long, short, crop_size=size).verdict


def test_surer_lines_score_higher():
    scores = [
        read("Стол", "Стол").score,
        read("Стол", "Стол", line_score=0.2).score,
        read("Счёт на оплату", "Счет на оплату").score,
        read("Счёт на оплату", "").score,
        read("Счёт на оплату", "Счет на столе").score,
        read("", "").score,
        read(None, None).score,
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_digits_alone_score_lower_than_a_word_of_as_many_letters():
    assert read("1234", "1234").score < read("Стол", "Стол").score


@given(
    st.lists(st.tuples(st.one_of(st.none(), texts), st.none() | st.floats()), max_size=4),
    st.floats(),
    st.tuples(st.integers(-1, 900), st.integers(-1, 60)),
    st.sampled_from([None, PrintQuality(1, 1, 0), PrintQuality(math.nan, math.inf, -math.inf)]),
    st.sampled_from([["Tesseract", "Tesseract"], ["PP-OCR", "Tesseract", "ERNIE", "ERNIE"], []]),
)
@example([("0", None), (" ", None)], 0.0, (900, 40), None, [])
def test_whatever_was_read_has_a_probability(answers, line_score, crop_size, quality, engines):
    readings = [
        Reading(f"r{place}", text or "", score, None if text is not None else FAILED)
        for place, (text, score) in enumerate(answers)
    ]
    judgement = judge(
        readings,
        crop_size=crop_size,
        language="ru",
        line_score=line_score,
        quality=quality,
        families={f"r{place}": engine for place, engine in enumerate(engines)},
    )
    assert 0 <= judgement.score <= 1
    if judgement.verdict is Verdict.AGREED:
        assert judgement.score >= shipped().threshold
    elif judgement.verdict is Verdict.UNREAD:
        assert judgement.score == 0
    elif judgement.verdict is Verdict.NO_TEXT:
        assert judgement.score == 0.05
    else:
        assert judgement.reasons


@given(texts, texts, st.tuples(st.integers(0, 900), st.integers(0, 60)))
def test_the_verdict_does_not_depend_on_who_read_first(first, second, crop_size):
    assert (
        read(first, second, crop_size=crop_size).verdict is read(second, first, crop_size=crop_size).verdict
    )


@given(texts)
def test_an_agreed_text_is_the_first_reading_in_the_script_of_its_words(text):
    judgement = read(text, text, crop_size=(100_000, 40))
    if judgement.verdict is Verdict.AGREED:
        words = unify_scripts(visible_text(text), "ru").text
        assert judgement.text == by_the_rule(words, "ru", dashes=False).text
    assert visible_text(text) or judgement.verdict is Verdict.NO_TEXT


def test_an_unknown_language_is_refused():
    with pytest.raises(SettingsWrong):
        read("a", "a", language="xx")
