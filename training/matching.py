"""Examples from unlabelled law: does one of these sentences say this?

A sentence of a text is shortened and reworded to a statement. Shown among its neighbours it makes
the statement true (A); with the statement turned into its contrary it denies it (B); taken out of
the text, nothing addresses the statement (C). It teaches what all judging rests on, finding the
line that is meant and comparing the two, on words that no rule pack has.
"""

from __future__ import annotations

import random
import re

from contracts import Bm25, pieces
from prompts import Case, Line

REWORD = {
    "en": [
        ("shall", "must"), ("shall", "has to"), ("shall", "will"), ("may", "can"), ("prior to", "before"),
        ("pursuant to", "under"), ("in accordance with", "under"), ("terminate", "end"), ("provide", "give"),
        ("obtain", "get"), ("notify", "inform"), ("without delay", "promptly"), ("in writing", "by letter"),
        ("ensure", "make sure"), ("such", "the"), ("hereunder", "under this document"), ("purchase", "buy"),
        ("receive", "get"), ("request", "ask for"), ("any", "every"), ("third party", "another person"),
    ],
    "fr": [
        ("doit", "est tenu de"), ("peut", "a le droit de"), ("conformément à", "selon"), ("sans délai", "aussitôt"),
        ("lorsque", "quand"), ("ladite", "la"), ("ledit", "le"), ("afin de", "pour"), ("fournit", "donne"),
        ("veille", "s’assure"), ("établit", "fixe"), ("notifie", "communique"), ("notamment", "en particulier"),
    ],
    "de": [
        ("muss", "hat zu"), ("kann", "darf"), ("gemäß", "nach"), ("unverzüglich", "sofort"), ("sowie", "und"),
        ("insbesondere", "vor allem"), ("erforderlich", "nötig"), ("gewährleisten", "sicherstellen"),
    ],
}
# What is said and what says the contrary; the first that occurs is turned.
CONTRARY = {
    "en": [
        (r"\b(shall|may|must|will|can|does|is|are) not\b", r"\1"), (r"\b(shall|may|must|will|can)\b", r"\1 not"),
        (r"\b(is|are|was|has|have)\b", r"\1 not"), (r"\bno\b", "any"), (r"\bwithout\b", "with"),
    ],
    "fr": [
        (r"\bne (\w+) pas\b", r"\1"), (r"\b(doit|doivent|peut|peuvent|est|sont|a|ont)\b", r"ne \1 pas"),
        (r"\bsans\b", "avec"),
    ],
    "de": [
        (r"\bnicht ", ""), (r"\b(muss|müssen|kann|können|darf|dürfen|ist|sind|hat|haben)\b", r"\1 nicht"),
        (r"\bkeine\b", "eine"), (r"\bohne\b", "mit"),
    ],
}
NUMBER = re.compile(r"\b\d{1,3}\b")


def contrary(text: str, language: str, rng: random.Random) -> str | None:
    """Turns a statement into its contrary, where it has a word to turn or a number to change."""
    if rng.random() < 0.25 and (match := NUMBER.search(text)):
        other = str(rng.choice([n for n in (2, 3, 5, 7, 10, 14, 15, 30, 45, 60, 90) if str(n) != match[0]]))
        return text[: match.start()] + other + text[match.end() :]
    for pattern, into in CONTRARY[language]:
        turned, count = re.subn(pattern, into, text, count=1, flags=re.IGNORECASE)
        if count:
            return turned
    return None


def shorten(text: str, language: str, rng: random.Random) -> str:
    """Rewords a sentence and leaves parts of it out, as a statement about it would."""
    text = re.sub(r"^\(?[\dA-Za-z]{1,4}[.)]\s*", "", text)
    parts = re.split(r"(?<=[,;:])\s+", text)
    if len(parts) > 1:
        keep = max(1, round(len(parts) * rng.uniform(0.4, 0.9)))
        start = rng.randint(0, len(parts) - keep)
        text = " ".join(parts[start : start + keep])
    for word, other in rng.sample(REWORD[language], len(REWORD[language]) // 2):
        text = re.sub(rf"\b{re.escape(word)}\b", other, text, count=1)
    tokens = text.split()
    if len(tokens) > 12:
        for _ in range(rng.randint(0, 2)):
            size = rng.randint(1, 4)
            at = rng.randint(0, len(tokens) - size)
            dropped = tokens[at : at + size]
            if not re.search(r"\b(not|no|ne|pas|nicht|kein\w*|without|sans|ohne|\d+)\b", " ".join(dropped)):
                tokens[at : at + size] = []
    text = " ".join(tokens).rstrip(",;: ")
    return text[:1].upper() + text[1:]


def examples(texts: dict[str, list[str]], count: int, seed: int) -> list[Case]:
    """Makes cases from texts by language; each text is one document."""
    rng = random.Random(seed)
    documents = {
        language: [parts for text in some if len(parts := pieces(text[:12000])) >= 8]
        for language, some in texts.items()
    }
    documents = {language: some for language, some in documents.items() if some}
    languages = sorted(documents)
    shares = [{"en": 0.45, "fr": 0.3, "de": 0.25}[language] for language in languages]
    made: list[Case] = []
    while len(made) < count:
        language = rng.choices(languages, shares)[0]
        parts = rng.choice(documents[language])
        at = rng.randrange(len(parts))
        meant = parts[at]
        if not 50 < len(meant) < 420:
            continue
        letter = rng.choices("ABC", [0.38, 0.34, 0.28])[0]
        # A "not" on either side, or on both, must not tell the answer by itself.
        if rng.random() < 0.4:
            meant = contrary(meant, language, rng) or meant
        statement = shorten(meant, language, rng)
        if letter == "B":
            statement = contrary(statement, language, rng) or ""
        if len(statement) < 30:
            continue
        near = parts[max(0, at - 30) : at] + parts[at + 1 : at + 30]
        best = Bm25(near).best(statement, 12)
        rng.shuffle(best)
        lines = [(Line(near[i]), "C") for i in best[: rng.randint(1, 4)]]
        if letter != "C":
            lines.insert(rng.randint(0, len(lines)), (Line(meant), letter))
        if not lines:
            continue
        made.append(
            Case(statement, [l for l, _ in lines], [m for _, m in lines], letter, source=f"text/{language}")
        )
    return made
