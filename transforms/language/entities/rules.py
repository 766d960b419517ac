"""The rules and word lists about names, as data: labels, titles, states and credits.

Each rule has an id and an example. The patterns of label rules apply to normalised names, those of
credit rules to lines of text. Imports neither Beam nor spaCy.
"""

from typing import Final, NamedTuple

from transforms.language.word_lists import word_set

LABELS: Final = frozenset({"PERSON", "ORG", "GPE", "LOC", "NORP", "EVENT", "LAW", "FAC"})
"""The labels of entities, a part of the labels of OntoNotes 5."""


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


class NameVariants(NamedTuple):
    """Variants of a normalised name that denote the same entity in every article."""

    id: str
    name: str
    variants: tuple[str, ...]


class CreditRule(NamedTuple):
    """A pattern of credits, which name authors and photographers, not the subjects of the article.

    Attributes:
        pattern: a regular expression, in which NAME stands for capitalised words.
        last_lines: the number of non-empty lines at the end of a text to which the rule applies;
            None for all lines.
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
"""Words that occur in names of organisations, but hardly ever in names of people or places."""

_ANY_ORGANISATION_WORD = "|".join(sorted(ORGANISATION_WORDS))
_PEOPLE_AND_PLACES = frozenset({"PERSON", "GPE", "LOC", "NORP"})
_NOT_NORP_EVENT_LAW = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC"})

LABEL_RULES: Final = (
    # Agencies are organisations: "Border Patrol".
    LabelRule("agency", r"border patrol|secret service|coast guard|national guard|interpol", "ORG"),
    # Social networks are organisations: "Twitter".
    LabelRule("platform", r"twitter|facebook|instagram|youtube|tiktok|reddit|snapchat", "ORG"),
    # News agencies are organisations: "AP", "Reuters".
    LabelRule("wire", r"ap|afp|upi|reuters|associated press", "ORG"),
    # Parties are organisations: "GOP", "Harbor Party".
    LabelRule("party", r"gop|.+ party", "ORG"),
    # The members of a party are a group of people: "Democrats".
    LabelRule("party-member", r"(?:democrat|republican)s?|democratic", "NORP"),
    # Groups of states: "G7", "G-20".
    LabelRule("states-group", r"g ?(?:7|8|20|77)", "ORG"),
    # Wars: "Korean War".
    LabelRule("war", r".+ war", "EVENT"),
    # Conventions, games and political dates: "Republican National Convention".
    LabelRule(
        "gathering",
        r".+ (?:national convention|olympics|olympic games|world cup)|super tuesday"
        r"|(?:constitutional|democratic|republican) convention|state of the union(?: address)?",
        "EVENT",
    ),
    # Brexit is an event.
    LabelRule("exit", r"brexit", "EVENT"),
    # Roads, bridges and airports: "Harbor Bridge".
    LabelRule("structure", r".+ (?:airport|avenue|boulevard|bridge|highway|street)", "FAC"),
    # Buildings and sites: "Trump Tower", "Oval Office".
    LabelRule(
        "building",
        r".+ (?:arena|building|cathedral|cemetery|coliseum|hotel|mall|memorial|monument|palace"
        r"|plaza|stadium|tower)"
        r"|.+ (?:convention|correctional|detention|trade) cent(?:er|re)|oval office",
        "FAC",
    ),
    # Names whose last or first words only organisations have: "University of Wick".
    LabelRule(
        "body",
        r".+ (?:agency|association|bureau|commission|committee|corps?|corporation|council"
        r"|court|department|enforcement|federation|foundation|inc|institute|ministry|news"
        r"|parliament|police|service|times|union|university)"
        r"|(?:department|ministry|university) of .+",
        "ORG",
    ),
    # Denominations, not church buildings: "Episcopal Church".
    LabelRule(
        "church",
        r".+ (?:anglican|baptist|catholic|episcopal|lutheran|methodist|orthodox) church"
        r"|church of .+",
        "ORG",
    ),
    # Names with an organisation word at the end are organisations: "Ellery Police".
    LabelRule("body-not-place", rf".+ (?:{_ANY_ORGANISATION_WORD})", "ORG", _PEOPLE_AND_PLACES),
    # Names with an organisation word before "of" are no people: "Bank of Ellery".
    LabelRule(
        "body-of",
        rf"(?:.+ )?(?:{_ANY_ORGANISATION_WORD}) (?:for|of|on) .+",
        "ORG",
        frozenset({"PERSON"}),
    ),
    # Acts and treaties, and well-known laws: "Trade Agreement", "Obamacare".
    LabelRule(
        "law",
        r".+ (?:accords?|act|agreement|amendment|treaty)|(?:\w+ )?constitution"
        r"|obamacare|jim crow|nafta",
        "LAW",
    ),
    # Court cases: "Roe v. Wade".
    LabelRule("case", r".+ vs? .+", "LAW"),
    # Counties are regions with a government: "Harbor County".
    LabelRule("county", r".+ county", "GPE"),
    # Waters and peninsulas: "Black Sea".
    LabelRule("sea", r".+ (?:ocean|peninsula|river|sea)", "LOC", _NOT_NORP_EVENT_LAW),
    # Religions count as groups: "Islam".
    LabelRule("religion", r"buddhism|christianity|hinduism|islam|judaism|catholicism", "NORP"),
    # Public programmes are not entities: "Medicare".
    LabelRule("programme", r"medicare|medicaid|social security", ""),
    # Classes of visas are not entities: "EB-5", "H-1B".
    LabelRule("visa", r"eb ?[1-5]|h ?[12][ab]", "", _NOT_NORP_EVENT_LAW),
    # A generational suffix alone is not an entity: "Jr.".
    LabelRule("generation", r"[js]r|iii?|iv", "", _NOT_NORP_EVENT_LAW),
    # Common nouns in capitals are not entities: "PAC", "CEO".
    LabelRule(
        "kind-of-body", r"super|(?:super )?pacs?|llcs?|ceos?|ngos?|lgbtq?", "", _NOT_NORP_EVENT_LAW
    ),
)
"""The rules that overrule the label by the model. The first that fits is applied."""

NAME_VARIANTS: Final = (
    # Countries and bodies that English texts shorten: "U.S.", "N. Korea".
    NameVariants("us", "united states", ("us", "usa", "united states of america")),
    NameVariants("uk", "united kingdom", ("uk",)),
    NameVariants("un", "united nations", ("un",)),
    NameVariants("eu", "european union", ("eu",)),
    NameVariants("north-korea", "north korea", ("n korea", "dprk")),
    NameVariants("south-korea", "south korea", ("s korea",)),
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
"""The titles before people's names, which are not part of the name: the forms of each, by key."""

PERSONAL_TITLES: Final = frozenset(
    {"congressman", "congresswoman", "doctor", "governor", "lieutenant", "mayor", "mister"}
    | {"miss", "president", "professor", "representative", "reverend", "senator"}
    | {"vice president"}
)
"""The keys in `TITLES` of the titles that precede only people's names if they are capitalised."""

GENERATIONAL_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})
"""The last words of names that tell a son from his father, normalised."""

NAMES_WITH_POSSESSIVE: Final = word_set(
    "arby barron domino harrah kohl lloyd lowe macy mcdonald moody sotheby wendy"
)
"""Names of companies, without the 's that is part of the name: "McDonald's"."""

PARTICLES: Final = word_set("al bin da de del della der di du el la le ten van von")
"""Words of people's names that may have no capital: "van" in "Maria van Poe"."""

FUNCTION_WORDS: Final = frozenset(
    {"a", "an", "and", "at", "by", "de", "for", "in", "of", "on", "the"}
)
"""Words within names of organisations, whose initials an acronym may leave out."""

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
_AMBIGUOUS_STATES = {"Georgia": "state of Georgia", "New York": "New York state"} | {
    "Washington": "Washington state"
}
"""The full names of states that share their name with another place."""
STATES: Final = {
    form.replace("_", " "): _AMBIGUOUS_STATES.get(full.replace("_", " "), full.replace("_", " "))
    for full, *others in map(str.split, _STATES.split(","))
    for form in (full, *others)
}
"""The full name of each state of the United States by its forms: full, shortened by the press,
postal."""

US_INDICATORS: Final = frozenset(
    {"united states", "washington", "white house", "pentagon", "gop", "republican party"}
    | {"republican", "republicans", "democrat", "democrats", "democratic", "american", "americans"}
)
"""Normalised names, other than those of states, that show that an article is about the United
States."""

NOT_DATELINES: Final = word_set("""
    analysis breaking clarification comment commentary correction editorial exclusive explainer
    fact film gallery interview letter live listen more news note opinion photo photos poll
    profile read report review special transcript update updated video warning watch
    """)
"""Words in capitals before a dash at the start of a line that are not the place of a dateline."""

CREDIT_RULES: Final = (
    # The byline: "By Ann Lee and Bob Ray", "By Ann Lee, Harbor Watch".
    CreditRule("byline", r"^(?:By|BY) NAME(?:[,|/].{0,60}|(?: (?:and|AND) NAME)*[.,]*)$"),
    # The makers in brackets: "(Reporting by Ann Lee; Editing by Bob Ray)".
    CreditRule("made-by", r"\((?:[Aa]dditional )?(?:[Rr]eport|[Ww]rit|[Ee]dit)ing by .{3,200}"),
    # The makers on a line of their own: "Additional reporting by Ann Lee".
    CreditRule("made-by-line", r"^(?:Additional )?(?:Report|Writ|Edit)ing by .{3,200}"),
    # The maker of a picture or video: "Photo by Ann Lee".
    CreditRule(
        "picture",
        r"\b(?:[Pp]hoto(?:graph)?s?|[Ii]llustrations?|[Vv]ideo) (?:by|courtesy of) NAME",
    ),
    # The photographer of an agency: "AP Photo/Ann Lee".
    CreditRule("picture-of-agency", r"\b[A-Z]{2,4} Photo/NAME"),
    # A credit with a colon: "Credit: Ann Lee".
    CreditRule("credit", r"\b(?:(?:[Pp]hoto |[Ii]mage |[Vv]ideo )?[Cc]redits?|CREDITS?): ?NAME"),
    # The photographer before the agency: "Ann Lee/Getty".
    CreditRule("of-agency", r"NAME ?/ ?(?:AP|AFP|EPA|UPI|Reuters|REUTERS|Getty|Bloomberg|TNS)\b"),
    # Contributors: "Ann Lee contributed to this report."
    CreditRule(
        "contributed",
        r"^.{0,150}\bcontributed (?:reporting|(?:to )?this (?:report|story|article))",
    ),
    # The place of the author: "Ann Lee reported from Wick."
    CreditRule("reported-from", r"^NAME reported from\b"),
    # How to reach the author: "Follow Ann Lee on Twitter."
    CreditRule("follow", r"\b(?:Follow|E-?mail|Contact|Reach|Write to) NAME (?:on|at|via|and|@)"),
    # The line about the author at the end: "Ann Lee is a reporter at Harbor Watch."
    CreditRule(
        "about-the-author",
        r"^[“\"*]*NAME(?:,? (?:and|who) .{1,60})?,? (?:is|was|are|writes|covers|reports)\b.{0,80}?"
        r"\b(?:author|blogger|columnist|contributor|correspondent|editor|fellow|freelancer?"
        r"|intern|journalist|politics for|professor|reporter|writer)s?\b",
        last_lines=3,
    ),
    # The signature on the last line: "— Ann Lee".
    CreditRule("signature", r"^[—–―-]{1,2} ?NAME$", last_lines=1),
)
"""The rules that find credits. People who are named only in credits are not entities."""
