"""What readers, pairs and other panels were worth, in words and for machines; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.readers.families import ERNIE, TESSERACT, family_of
from converters.report.families import ChoiceWorth, Worth

if TYPE_CHECKING:
    from converters.report.call_cost import CallCost

SHOWN = 3
"""Model versions that the page and the terminal show, those with the most lines; the summary has all."""

FLATTERS = (
    "These lines flatter: filled-in text passes with one key, so a reader whose own text was filled in seems "
    "right more often than it is. Lines that people typed blind (twinread audit) flatter nobody."
)


def shown(families: Mapping[str, Worth]) -> list[tuple[str, Worth]]:
    """The versions of which something can be said, that with the most lines first."""
    telling = [(version, worth) for version, worth in families.items() if worth.tells]
    return sorted(telling, key=lambda each: (-each[1].lines, each[0]))[:SHOWN]


def short_name(reader: str) -> str:
    """A reader in few words, such as `ERNIE plain`, `Tesseract line` or `PP-OCRv5_mobile_rec`."""
    family = family_of(reader)
    if family == ERNIE:
        return f"{ERNIE} {reader.rpartition(':')[2].partition('@')[0]}"
    name, _, facts = reader.partition("(")
    if family == TESSERACT:
        # its data, its look, and the number of its rendering
        return " ".join([TESSERACT, *facts.rstrip(")").split(",")[1:2]])
    return f"{name.partition('@')[0]}{' with a margin' if 'margin=' in facts else ''}"


def choice_in_words(choice: ChoiceWorth) -> str:
    """Who would read, and when, such as `ERNIE plain + Tesseract line`."""
    names = [short_name(reader) for reader in choice.readers]
    if choice.asked == "when needed":
        return f"{' + '.join(names[:-1])}, {names[-1]} where they differ"
    together = " + ".join(names)
    return f"{together}, all alike" if choice.asked == "alike" else together


def blind_in_words(worth: Worth) -> str:
    """How many lines were typed blind."""
    if not worth.blind:
        return "No line was typed blind yet."
    return f"{worth.blind:,} lines were typed blind."


def families_summary(families: Mapping[str, Worth], cost: CallCost | None = None) -> list[dict[str, Any]]:
    """Everything, for machines; one entry for each model version of which something can be said."""
    money = None if cost is None else cost.money
    return [
        {
            "version": version,
            "lines": worth.lines,
            "typed_blind": worth.blind,
            "readers": [
                {
                    "reader": each.reader,
                    "family": each.family,
                    "right": each.right.summary(),
                    "own_text_filled_in": each.filled.summary(),
                    "right_where_it_was_not": each.right_elsewhere.summary(),
                }
                for each in worth.each_reader()
            ],
            "pairs": [
                {
                    "readers": list(each.readers),
                    "families": list(each.families),
                    "agreed": each.agreed.summary(),
                    "agreed_right": each.right.summary(),
                    "agreed_right_typed_blind": each.blind.summary(),
                    "right_and_agreed": each.ready.summary(),
                }
                for each in worth.each_pair()
            ],
            "third_readers": [
                {
                    "readers": list(each.readers),
                    "third": each.third,
                    "agreed_right_where_it_assents": each.assents.summary(),
                    "agreed_right_where_it_dissents": each.dissents.summary(),
                    "settled": each.settled.summary(),
                    "rightly": each.rightly.summary(),
                }
                for each in worth.each_third()
            ],
            "choices": [
                {
                    "readers": list(each.readers),
                    "families": [family_of(reader) for reader in each.readers],
                    "asked": each.asked,
                    "agreed": each.agreed.summary(),
                    "agreed_right": each.right.summary(),
                    "calls_per_line": round(each.calls, 4),
                    "cost_per_line": None if money is None else money * each.calls,
                }
                for each in worth.choices()
            ],
        }
        for version, worth in sorted(families.items())
        if worth.tells
    ]
