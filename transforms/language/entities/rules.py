"""Rules about names as data: labels, titles, states, credit lines. Each rule has an id.

Imports neither Beam nor spaCy.
"""

from typing import Final, NamedTuple

from transforms.language.word_lists import word_set

LABELS: Final = frozenset({"PERSON", "ORG", "GPE", "LOC", "NORP", "EVENT", "LAW", "FAC"})


class LabelRule(NamedTuple):
    """The label of names that the model often labels wrongly.

    Attributes:
        pattern: a regular expression that the whole normalised name must match.
        label: the label; empty if such a name is not an entity.
        instead_of: the labels of the model that the rule overrules.
    """

    id: str
    pattern: str
    label: str
    instead_of: frozenset[str] = LABELS


class SameName(NamedTuple):
    """Variants of a normalised name that mean the same in every article."""

    id: str
    name: str
    variants: tuple[str, ...]


class LineRule(NamedTuple):
    """A pattern of credits: they name authors and photographers, not who the article is about.

    Attributes:
        pattern: a regular expression, in which NAME stands for capitalised words.
        last_lines: the number of non-empty lines at the end of a text to which it applies; None for
            the whole text.
    """

    id: str
    pattern: str
    last_lines: int | None = None


ORGANISATION_WORDS: Final = word_set("""
    academy administration agency alliance army assembly assn associates association authority
    bank board brigade bureau cabinet campaign caucus center centre chamber choir clinic
    club coalition college command commission committee company conference congress consortium
    corp corps corporation council court daily department dept district division enterprises
    federation firm force forces forum foundation fund gazette group guild herald holdings
    hospital inc industries initiative institute institution international journal league library
    llc llp ltd media ministry mission museum navy network networks news office orchestra
    organisation organization panel parliament partners party police press productions
    project resources school schools senate service services society solutions strategies studios
    syndicate systems team technologies television times tribune trust union university ventures
    workers
    """)
"""Words that occur in names of organisations, and hardly ever in those of people or places."""

_BODIES = "|".join(sorted(ORGANISATION_WORDS))
_NOT_ORG = frozenset({"PERSON", "GPE", "LOC", "NORP"})
_NAMED = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC"})

LABEL_RULES: Final = (
    LabelRule("agency", r"border patrol|secret service|coast guard|national guard|interpol", "ORG"),
    LabelRule("platform", r"twitter|facebook|instagram|youtube|tiktok|reddit|snapchat", "ORG"),
    LabelRule("wire", r"ap|afp|upi|reuters|associated press", "ORG"),
    LabelRule("party", r"gop|.+ party", "ORG"),
    LabelRule("party-member", r"(?:democrat|republican)s?|democratic", "NORP"),
    LabelRule("states-group", r"g ?(?:7|8|20|77)", "ORG"),
    LabelRule("war", r".+ war", "EVENT"),
    LabelRule(
        "gathering",
        r".+ (?:national convention|olympics|olympic games|world cup)|super tuesday"
        r"|(?:constitutional|democratic|republican) convention|state of the union(?: address)?",
        "EVENT",
    ),
    LabelRule("exit", r"brexit", "EVENT"),
    LabelRule("structure", r".+ (?:airport|avenue|boulevard|bridge|highway|street)", "FAC"),
    LabelRule(
        "building",
        r".+ (?:arena|building|cathedral|cemetery|coliseum|hotel|mall|memorial|monument|palace"
        r"|plaza|stadium|tower)"
        r"|.+ (?:convention|correctional|detention|trade) cent(?:er|re)|oval office",
        "FAC",
    ),
    LabelRule(
        "body",
        r".+ (?:agency|association|bureau|commission|committee|corps?|corporation|council"
        r"|court|department|enforcement|federation|foundation|inc|institute|ministry|news"
        r"|parliament|police|service|times|union|university)"
        r"|(?:department|ministry|university) of .+",
        "ORG",
    ),
    LabelRule(
        "church",
        r".+ (?:anglican|baptist|catholic|episcopal|lutheran|methodist|orthodox) church"
        r"|church of .+",
        "ORG",
    ),
    LabelRule("body-not-place", rf".+ (?:{_BODIES})", "ORG", _NOT_ORG),
    LabelRule("body-of", rf"(?:.+ )?(?:{_BODIES}) (?:for|of|on) .+", "ORG", frozenset({"PERSON"})),
    LabelRule(
        "law",
        r".+ (?:accords?|act|agreement|amendment|treaty)|(?:\w+ )?constitution"
        r"|obamacare|jim crow|nafta",
        "LAW",
    ),
    LabelRule("case", r".+ vs? .+", "LAW"),
    LabelRule("county", r".+ county", "GPE"),
    LabelRule("sea", r".+ (?:ocean|peninsula|river|sea)", "LOC", _NAMED),
    LabelRule("religion", r"buddhism|christianity|hinduism|islam|judaism|catholicism", "NORP"),
    LabelRule("programme", r"medicare|medicaid|social security", ""),
    LabelRule("visa", r"eb ?[1-5]|h ?[12][ab]", "", _NAMED),
    LabelRule("generation", r"[js]r|iii?|iv", "", _NAMED),
    LabelRule("kind-of-body", r"super|(?:super )?pacs?|llcs?|ceos?|ngos?|lgbtq?", "", _NAMED),
)
"""The first rule that fits is applied."""

SAME_NAMES: Final = (
    SameName("us", "united states", ("us", "usa", "united states of america")),
    SameName("uk", "united kingdom", ("uk",)),
    SameName("un", "united nations", ("un",)),
    SameName("eu", "european union", ("eu",)),
    SameName("north-korea", "north korea", ("n korea", "dprk")),
    SameName("south-korea", "south korea", ("s korea",)),
)

TITLES: Final = {
    "ambassador": ("ambassador", "amb"),
    "archbishop": ("archbishop",),
    "attorney general": ("attorney general",),
    "captain": ("captain", "capt"),
    "chancellor": ("chancellor",),
    "chief": ("chief", "police chief", "chief justice"),
    "colonel": ("colonel", "col"),
    "commissioner": ("commissioner",),
    "congressman": ("congressman",),
    "congresswoman": ("congresswoman",),
    "councillor": ("councillor", "cllr", "councilman", "councilwoman"),
    "doctor": ("doctor", "dr"),
    "general": ("general", "gen"),
    "governor": ("governor", "gov"),
    "judge": ("judge", "justice"),
    "lieutenant": ("lieutenant", "lt", "lt gov", "lt col", "lt gen"),
    "mayor": ("mayor",),
    "minister": ("minister", "foreign minister"),
    "minister of religion": ("pastor", "rabbi"),
    "miss": ("miss", "ms", "mrs"),
    "mister": ("mister", "mr"),
    "officer": ("officer", "detective", "sgt", "sergeant", "sheriff", "agent"),
    "president": ("president", "pres"),
    "prime minister": ("prime minister",),
    "professor": ("professor", "prof"),
    "representative": ("representative", "rep", "reps"),
    "reverend": ("reverend", "rev"),
    "secretary": ("secretary", "secretary of state", "secretary general"),
    "senator": ("senator", "sen", "sens"),
    "sir": ("sir",),
    "speaker": ("speaker",),
    "superintendent": ("superintendent", "supt"),
    "vice president": ("vice president",),
}
"""Titles before a person's name, which are not part of it: the forms of each, by key."""

PERSONAL_TITLES: Final = frozenset(
    {"congressman", "congresswoman", "doctor", "governor", "lieutenant", "mayor", "mister"}
    | {"miss", "president", "professor", "representative", "reverend", "senator"}
    | {"vice president"}
)
"""The keys in `TITLES` of titles that, if capitalised, precede only people's names."""

GENERATIONS: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})

NAMED_WITH_S: Final = word_set(
    "arby barron domino harrah kohl lloyd lowe macy mcdonald moody sotheby wendy"
)
"""Firms whose final 's is part of the name."""

PARTICLES: Final = word_set("al bin da de del della der di du el la le ten van von")
"""Words in people's names that have no capital."""

LINK_WORDS: Final = frozenset({"a", "an", "and", "at", "by", "de", "for", "in", "of", "on", "the"})

_STATES = """
    Alabama Ala. AL, Alaska AK, Arizona Ariz. AZ, Arkansas Ark. AR, California Calif. CA,
    Colorado Colo. CO, Connecticut Conn. CT, Delaware Del. DE, Florida Fla. FL, Georgia Ga. GA,
    Hawaii HI, Idaho ID, Illinois Ill. IL, Indiana Ind. IN, Iowa IA, Kansas Kan. KS,
    Kentucky Ky. KY, Louisiana La. LA, Maine ME, Maryland Md. MD, Massachusetts Mass. MA,
    Michigan Mich. MI, Minnesota Minn. MN, Mississippi Miss. MS, Missouri Mo. MO,
    Montana Mont. MT, Nebraska Neb. NE, Nevada Nev. NV, New_Hampshire N.H. NH,
    New_Jersey N.J. NJ, New_Mexico N.M. NM, New_York N.Y. NY, North_Carolina N.C. NC,
    North_Dakota N.D. ND, Ohio OH, Oklahoma Okla. OK, Oregon Ore. OR, Pennsylvania Pa. PA,
    Rhode_Island R.I. RI, South_Carolina S.C. SC, South_Dakota S.D. SD, Tennessee Tenn. TN,
    Texas Tex. TX, Utah UT, Vermont Vt. VT, Virginia Va. VA, Washington Wash. WA,
    West_Virginia W.Va. WV, Wisconsin Wis. WI, Wyoming Wyo. WY
    """
_NOT_ALONE = {"Georgia": "state of Georgia", "New York": "New York state"} | {
    "Washington": "Washington state"
}
"""States whose names are also those of other places."""
STATES: Final = {
    form.replace("_", " "): _NOT_ALONE.get(full.replace("_", " "), full.replace("_", " "))
    for full, *others in map(str.split, _STATES.split(","))
    for form in (full, *others)
}
"""Full names of the states of the United States by every form in use: full, as the press
shortens it, postal."""

SIGNS_OF_AMERICA: Final = frozenset(
    {"united states", "washington", "white house", "pentagon", "gop", "republican party"}
    | {"republican", "republicans", "democrat", "democrats", "democratic", "american", "americans"}
)
"""Normalised names that show that an article is about the United States, beside its states."""

NOT_DATELINES: Final = word_set("""
    analysis breaking clarification comment commentary correction editorial exclusive explainer
    fact film gallery interview letter live listen more news note opinion photo photos poll
    profile read report review special transcript update updated video warning watch
    """)
"""Words in capitals before a dash at the start of a line that are not places."""

CREDITS: Final = (
    LineRule("byline", r"^(?:By|BY) NAME(?:[,|/].{0,60}|(?: (?:and|AND) NAME)*[.,]*)$"),
    LineRule("made-by", r"\((?:[Aa]dditional )?(?:[Rr]eport|[Ww]rit|[Ee]dit)ing by .{3,200}"),
    LineRule("made-by-line", r"^(?:Additional )?(?:Report|Writ|Edit)ing by .{3,200}"),
    LineRule(
        "picture",
        r"\b(?:[Pp]hoto(?:graph)?s?|[Ii]llustrations?|[Vv]ideo) (?:by|courtesy of) NAME",
    ),
    LineRule("picture-of-agency", r"\b[A-Z]{2,4} Photo/NAME"),
    LineRule("credit", r"\b(?:(?:[Pp]hoto |[Ii]mage |[Vv]ideo )?[Cc]redits?|CREDITS?): ?NAME"),
    LineRule("of-agency", r"NAME ?/ ?(?:AP|AFP|EPA|UPI|Reuters|REUTERS|Getty|Bloomberg|TNS)\b"),
    LineRule(
        "contributed",
        r"^.{0,150}\bcontributed (?:reporting|(?:to )?this (?:report|story|article))",
    ),
    LineRule("reported-from", r"^NAME reported from\b"),
    LineRule("follow", r"\b(?:Follow|E-?mail|Contact|Reach|Write to) NAME (?:on|at|via|and|@)"),
    LineRule(
        "about-the-author",
        r"^[“\"*]*NAME(?:,? (?:and|who) .{1,60})?,? (?:is|was|are|writes|covers|reports)\b.{0,80}?"
        r"\b(?:author|blogger|columnist|contributor|correspondent|editor|fellow|freelancer?"
        r"|intern|journalist|politics for|professor|reporter|writer)s?\b",
        last_lines=3,
    ),
    LineRule("signature", r"^[—–―-]{1,2} ?NAME$", last_lines=1),
)
"""The patterns of credits. People who are named only in credits are not entities."""
