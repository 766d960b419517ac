"""Hard cases, one by one: text, speaker and cue of each quote in quotation marks."""

import pytest

from tests.support.quotes import FindQuotes, Row, check_invariants, select_quoted, summarize_quotes

CASES: dict[str, tuple[str, list[Row]]] = {
    "transcript in marks": (
        "The host turned to the budget.\n“LOWE: We have run out of money for the pier.\n"
        "“MARSH: That is not what the books say.”",
        [
            ("LOWE: We have run out of money for the pier.", "LOWE", ":"),
            ("MARSH: That is not what the books say.", "MARSH", ":"),
        ],
    ),
    "signature on a line of its own": (
        "“We rowed all night and nobody came to meet us.”\n– Anna Lowe, fisher.",
        [("We rowed all night and nobody came to meet us.", "Anna Lowe", "–")],
    ),
    "signature after a dash": (
        "“We rowed all night.” — Anna Lowe",
        [("We rowed all night.", "Anna Lowe", "—")],
    ),
    "chanted": (
        "Hundreds of fans chanted “Let her play!” outside the ground.",
        [("Let her play!", "Hundreds of fans", "chanted")],
    ),
    "facebook post": (
        "“The gates are open,” Anna Lowe wrote in a Facebook post.",
        [("The gates are open,", "Anna Lowe", "wrote")],
    ),
    "posted on": (
        "Anna Lowe posted on Facebook: “The gates are open.”",
        [("The gates are open.", "Anna Lowe", "posted")],
    ),
    "tweet as source": (
        "A tweet from the port authority read: “The gates are open.”",
        [("The gates are open.", "A tweet from the port authority", "read")],
    ),
    "statement as source": (
        "“We regret the delay,” the statement said.",
        [("We regret the delay,", "the statement", "said")],
    ),
    "in a statement read": (
        "In a statement, the port authority said: “We regret the delay.”",
        [("We regret the delay.", "the port authority", "said")],
    ),
    "letter as source": (
        "The letter warned that the dam was “a disaster waiting to happen”.",
        [("a disaster waiting to happen", "The letter", "warned")],
    ),
    "document": (
        "“Costs will rise,” the report concluded.",
        [("Costs will rise,", "the report", "concluded")],
    ),
    "court filing": (
        "The filing described the sale as “a sham from start to finish”.",
        [("a sham from start to finish", "The filing", "described")],
    ),
    "by phone": (
        "“I never saw the cheque,” Marsh said by phone from Oslo.",
        [("I never saw the cheque,", "Marsh", "said")],
    ),
    "two presidents": (
        "“We will keep the river open,” the two presidents said in a joint statement.",
        [("We will keep the river open,", "the two presidents", "said")],
    ),
    "joint pronoun": (
        "“We will keep the river open,” he and his brother said.",
        [("We will keep the river open,", "he and his brother", "said")],
    ),
    "joint verbs": (
        "Anna Lowe and Peter Marsh wrote: “The river must stay open.”",
        [("The river must stay open.", "Anna Lowe and Peter Marsh", "wrote")],
    ),
    "denied quote": (
        "Marsh never said “I quit” to the board.",
        [("I quit", "Marsh", "never said")],
    ),
    "noun cue": (
        "The mayor’s claim that the pier is “perfectly safe” angered the union.",
        [("perfectly safe", "The mayor", "claim")],
    ),
    "free relative": (
        "Marsh attacked what he called “a tax on breathing”.",
        [("a tax on breathing", "Marsh", "attacked")],
    ),
    "dismissed as": (
        "Lowe dismissed the charge as “pure fiction”.",
        [("pure fiction", "Lowe", "dismissed")],
    ),
    "headline single": (
        "Mayor calls rival ‘a coward’ in debate\n"
        "“He is a coward and he knows it,” Anna Lowe said on Monday.",
        [("He is a coward and he knows it,", "Anna Lowe", "said")],
    ),
    "single mark gloss": (
        "“It is a dry port,” Lowe said. The word means ‘far from the sea’ in the trade.",
        [("It is a dry port,", "Lowe", "said")],
    ),
    "nested": (
        "“He told me, ‘Never come back,’ and I never did,” Lowe said.",
        [("He told me, ‘Never come back,’ and I never did,", "Lowe", "said")],
    ),
    "half quoted after verb": (
        "Lowe said she was “over the moon” and “ready to work”.",
        [("over the moon", "Lowe", "said"), ("ready to work", "Lowe", "said")],
    ),
    "vow": (
        "Marsh vowed to “drain every last bog” in the county.",
        [("drain every last bog", "Marsh", "vowed")],
    ),
    "asked": ("“Who opened the gate?” asked Lowe.", [("Who opened the gate?", "Lowe", "asked")]),
    "asked by": (
        "Asked about the gate, Marsh said: “I was asleep.”",
        [("I was asleep.", "Marsh", "said")],
    ),
    "joked": ("“I was asleep,” Marsh joked.", [("I was asleep,", "Marsh", "joked")]),
    "texted": ("“Gate open,” Marsh texted his sister.", [("Gate open,", "Marsh", "texted")]),
    "testified": (
        "“I closed it at nine,” Marsh testified under oath.",
        [("I closed it at nine,", "Marsh", "testified")],
    ),
    "told": (
        "“I closed it at nine,” Marsh told the court on Friday.",
        [("I closed it at nine,", "Marsh", "told")],
    ),
    "read sign": (
        "A sign on the gate reads “No entry after dark”.",
        [("No entry after dark", "A sign on the gate", "reads")],
    ),
    "title comma": ("Her novel, “The Salt Road,” sold out in a week.", []),
    "exhibition": ("The exhibition “Boats and Bones” runs until May.", []),
    "episode": ("An episode entitled “The Flood” airs on Sunday.", []),
    "award": ("She won the “Golden Oar” award in 2019.", []),
    "known as": ("The strip, known as “the Neck”, floods each spring.", []),
    "word as word": ("The word “harbour” has a u in it.", []),
    "scare plural": ("Three “experts” were paid by the company.", []),
    "slogan": ("The party’s slogan is “Forward”.", []),
    "according to a full name": (
        "The winter was “the coldest in memory”, according to Ida Berg.",
        [("the coldest in memory", "Ida Berg", "according to")],
    ),
    "person named in the paragraph before": (
        "Ida Berg was not surprised.\n"
        "“I said in March that the dam would not hold the water back.”",
        [("I said in March that the dam would not hold the water back.", None, None)],
    ),
    "pronoun, then name": (
        "“It is cold,” she said. “And it will get colder,” Ida Berg added.",
        [("It is cold,", "she", "said"), ("And it will get colder,", "Ida Berg", "added")],
    ),
    "quote continued in the next paragraph": (
        "“First we lost the boats.\n“Then we lost the pier,” Ida Berg said.",
        [
            ("First we lost the boats.", "Ida Berg", "said"),
            ("Then we lost the pier,", "Ida Berg", "said"),
        ],
    ),
    "marks of the wire": (
        "''It is cold,'' Berg said. ''It will get colder.''",
        [("It is cold,", "Berg", "said"), ("It will get colder.", "Berg", "said")],
    ),
    "mark that never closes": (
        "“It is cold, Berg said.\nThe pier was closed.",
        [("It is cold, Berg said.", None, None)],
    ),
    "possessive plural": ("The fishers' wives' club met at the Ostbys' house, Berg said.", []),
    "inches": ('The plank was 6\' 2" long and 4" wide.', []),
    "colon label": ("Berg: “It is cold.”", [("It is cold.", "Berg", ":")]),
    "question answer": ("Q: Is it cold?\nBerg: “It is cold.”", [("It is cold.", "Berg", ":")]),
    "when asked": (
        "When asked whether it was cold, Berg replied, “Very.”",
        [("Very.", "Berg", "replied")],
    ),
    "one word": ("“Cold,” Berg said.", [("Cold,", "Berg", "said")]),
    "one word mixed": ("Berg called the winter “cold”.", [("cold", "Berg", "called")]),
    "ellipsis": ("“It is cold …,” Berg said.", [("It is cold …,", "Berg", "said")]),
    "em dash interrupted": ("“It is” — Berg paused — “very cold.”", [("It is", "Berg", "—")]),
    "split verbs": (
        "“It is cold,” said Berg, adding: “It will get colder.”",
        [("It is cold,", "Berg", "said"), ("It will get colder.", "Berg", "adding")],
    ),
    "two speakers": (
        "“It is cold,” said Berg. “It is not,” said Marsh.",
        [("It is cold,", "Berg", "said"), ("It is not,", "Marsh", "said")],
    ),
    "two speakers in two paragraphs": (
        "“It is cold,” said Berg.\n“It is not,” said Marsh.",
        [("It is cold,", "Berg", "said"), ("It is not,", "Marsh", "said")],
    ),
    "anonymous": (
        "“It is cold,” said a fisher who asked not to be named.",
        [("It is cold,", "a fisher", "said")],
    ),
    "plural source": ("“It is cold,” residents said.", [("It is cold,", "residents", "said")]),
    "police": ("“Nobody was hurt,” police said.", [("Nobody was hurt,", "police", "said")]),
    "agency": (
        "“Nobody was hurt,” the Coast Guard said.",
        [("Nobody was hurt,", "the Coast Guard", "said")],
    ),
    "percent": (
        "About three in 10 voters said they were “very worried” about the dam.",
        [("very worried", "About three in 10 voters", "said")],
    ),
    "poll": (
        "The poll found that voters are “very worried” about the dam.",
        [("very worried", "The poll", "found")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hard_case(find: FindQuotes, name: str) -> None:
    text, expected = CASES[name]
    quotes = find(text)
    check_invariants(text, quotes)
    assert summarize_quotes(select_quoted(quotes)) == expected
