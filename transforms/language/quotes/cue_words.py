"""Word lists for the attribution of quotes: cue verbs and nouns, titles, pronouns, and tags.

Tags are those of the Penn Treebank, dependency labels and entity labels those of spaCy's English
models. Words are in lower case.
"""

from collections.abc import Iterator
from typing import Final

from transforms.language.word_lists import word_set

# Verbs that attribute speech or thought to a speaker. `_inflect` makes the forms of the regular
# ones, where `!` marks a final consonant that doubles.
_REGULAR = """
accuse acknowledge add address admire admit! admonish advise advocate affirm agree allege allow
announce answer apologise apologize appeal applaud argue ask assail assert assess assure attack
attest aver! bark beg! bellow bemoan berate blame blast blog! bluster boast brag! brand call
caution celebrate challenge champion chant characterise characterize charge chastise chide chime
cite claim clarify commend comment compare complain compliment concede conclude concur! condemn
confess confide confirm congratulate contend continue counsel counter crack crow cry declare decry
deem defend demand denounce deny deplore deride describe detail dictate disclose discuss dismiss
dispute dub! echo elaborate emphasise emphasize encourage endorse enthuse estimate exclaim exhort
explain expound express fear fume gloat gripe groan growl grumble gush hail herald hint holler hope
imply indicate inform inquire insinuate insist instruct interject intone invoke jest joke kid!
label lambast lambaste lament laud laugh lecture liken love maintain marvel mention moan mock mourn
mumble murmur muse mutter narrate note object observe offer opine order pen! plead pledge point
portray post praise pray preach predict press proclaim profess prohibit promise pronounce propose
protest push question quip! quote rail rant rate reaffirm reassure rebuke rebut! recall recite
recommend recount refer! reference reflect refuse reiterate reject relate relay remark remember
remind repeat reply report request respond retort retweet reveal ridicule roar rule scoff scold
scream seethe shout shriek sigh sign signal slam! snap! sneer specify speculate spell state
stipulate stress suggest summarise summarize surmise suspect taunt tease testify text thank
theorize thunder tout trumpet tweet urge utter venture voice vow wail want warn welcome whine
whisper wonder worry worship yell
"""
_IRREGULAR = """
say says said saying tell tells told telling write writes wrote written writing speak speaks spoke
spoken speaking read reads reading think thinks thought thinking believe believes believed
believing feel feels felt feeling know knows knew swear swears swore swearing sing sings sang
singing hear heard find finds found foresee foresees foresaw mean means meant
"""
CUE_NOUNS: Final = word_set(
    """
    accusation accusations admission allegation allegations announcement announcements argument
    arguments assertion assertions call calls claim claims comment comments complaint complaints
    concession contention criticism declaration demand demands denial description insistence pledge
    pledges prediction predictions promise promises proposal proposals question questions remark
    remarks request requests statement statements suggestion suggestions threat threats vow vows
    warning warnings
    """
)
"""Nouns that report what their owner says: "her claim that", "Lee's call for"."""
CUE_PHRASES: Final = {
    "put": "it", "puts": "it", "go": "on", "goes": "on", "went": "on", "going": "on",
    "according": "to",
}  # fmt: skip
"""Words that are cues only before a second word, and that word: "put it", "went on"."""
MENTAL_CUES: Final = word_set(
    """
    believe believes believed believing fear fears feared fearing feel feels felt feeling find
    finds found hear heard hears hope hopes hoped hoping know knew knows love loves loved mean
    means meant think thinks thought thinking want wants wanted worry worries worried
    """
)
"""Verbs of thought. A text knows what a person thinks because that person says it."""
RELAY_CUES: Final = word_set("according reported reports")
"""Cues of those who pass on what somebody else says, if somebody else has a cue, too."""
UNAMBIGUOUS_CUES: Final = word_set("said says say saying told tells added adds wrote asked")
"""Cues whatever their tag is, since they are rarely anything but verbs."""
WORK_NOUNS: Final = word_set(
    """
    album anthem article ballad blog book broadcast chapter column commentary documentary
    drama entitled episode essay exhibition film hymn magazine memoir movie musical newsletter
    novel opera painting play podcast poem program programme series show single sitcom song
    soundtrack titled track
    """
)
"""Words before or after the title of a work: the film “Salt and Iron”."""
PERFORMANCE_VERBS: Final = word_set(
    """
    perform performed performing performs play played playing plays sang sing singing sings
    sung watch watched watching watches
    """
)
"""Verbs before the title of a work: sang “Harbour Nights”."""
NAMING_WORDS: Final = word_set("so-called dubbed nicknamed nickname termed")
"""Words before a nickname or a scare quote: the so-called “green corridor”."""
PREPOSITIONS_BEFORE_WORKS: Final = word_set("on of in with")
"""Prepositions before a capitalised segment that is a title: spoke on “Morning Round”."""
SMALL_TITLE_WORDS: Final = word_set("a an and at by for from in is of on or the to with")
"""Words that are not capitalised in the title of a work."""
PERSON_TITLES: Final = word_set(
    """
    president vice prime minister secretary senator sen. rep. representative congressman
    congresswoman gov. governor mayor councillor councilor chancellor ambassador judge
    chief speaker leader chairman chairwoman chair director general gen. col. colonel lt. sgt.
    capt. captain maj. major sheriff professor prof. king queen prince princess pope rev. lord
    lady sir dame baroness baron deputy attorney spokesman spokeswoman commissioner inspector
    coach detective superintendent bishop archbishop cardinal father sister imam rabbi
    """
)
"""Titles and offices before a name, which are the role of a speaker: "Senator Lee"."""
HONORIFICS: Final = word_set("mr. mrs. ms. miss dr. mr mrs ms dr mx")
"""Forms of address before a name, which are no role: "Mr. Lee"."""
TITLES_AND_HONORIFICS: Final = PERSON_TITLES | HONORIFICS
"""Titles and honorifics; a dot after one ends no sentence."""
PRONOUNS: Final = word_set(
    """
    he she they it we i you who one some others many someone everyone everybody somebody
    nobody both several this that these those which whom what anybody
    """
)
"""Pronouns that can be the mention of a speaker."""
PERSON_NOUNS: Final = word_set(
    """
    activists advocates adviser advisers aide aides analysts author chairman critics democrats
    director experts governor investigators lawmakers lawyer lawyers leader leaders man manager
    member members men nominee officer official officials opponents organizers others people
    person president professor reporter reporters republicans residents senator source sources
    spokesman spokesperson spokeswoman strategist students supporters voters woman women
    """
)
"""Nouns for people who speak: the features "nounkind=human"."""
TEXT_NOUNS: Final = word_set(
    """
    ad article bill book caption column complaint data document documents editorial email
    headline interview law lawsuit letter memo message note op-ed order paper piece plan platform
    poll post press record records release report resolution results review rule sign signs site
    speech statement story study survey text tweet video website
    """
)
"""Nouns for texts that are cited as speakers: the features "nounkind=text"."""
RATIO_PREPOSITIONS: Final = word_set("in of")
"""Words between the numbers of a share of people: "three in 10 voters"."""
APPROXIMATORS: Final = word_set("about almost around nearly over roughly some")
"""Words before such a share: "about three in 10 voters"."""
RELATIVE_PRONOUNS: Final = word_set("who which that whom")
"""Pronouns whose antecedent is the speaker: "the builder, who said"."""
THIRD_PERSON_PRONOUNS: Final = word_set("he she it they")
"""Subjects of a reported clause that may be the speaker: "Lee said she hoped"."""
OBJECT_PRONOUNS: Final = word_set("me him her us them")
"""Pronouns that cannot be a subject, whatever the parser says."""
SPEAKER_ENTITY_LABELS: Final = word_set("PERSON ORG GPE NORP")
"""Labels of the entities that can speak."""
TIME_ENTITY_LABELS: Final = frozenset(("DATE", "TIME"))
"""Labels of times, which stand beside a cue without being its speaker: "said Friday"."""
SUBJECT_DEPS: Final = frozenset(("nsubj", "nsubjpass", "csubj"))
"""Dependency labels of subjects."""
SHARED_SUBJECT_DEPS: Final = word_set("conj xcomp advcl pcomp prep ccomp aux acl dep")
"""Dependency labels of verbs that may share the subject of their head: "came and said"."""
NOUN_PHRASE_TAGS: Final = word_set(
    "DT PRP$ JJ JJR JJS NN NNS NNP NNPS POS CD HYPH VBN AFX $ PDT FW"
)
"""Tags within a noun phrase, pronouns apart."""
NOUN_TAGS: Final = frozenset(("NN", "NNS", "NNP", "NNPS"))
"""Tags of nouns."""
ADVERB_AND_VERB_TAGS: Final = word_set("RB RBR MD VBD VBZ VBP VBN")
"""Tags that may stand between a subject and its cue: "Lee later has said"."""
FINITE_VERB_TAGS: Final = frozenset(("VBD", "VBP", "VBZ", "MD"))
"""Tags of finite verbs."""
DASHES: Final = frozenset("–—―-")
"""Dashes before the name of a speaker, after a quote."""


def _inflect(words: str) -> Iterator[str]:
    """Yield the forms of regular verbs: "deny" gives "deny", "denies", "denied" and "denying"."""
    for word in words.split():
        base = word.rstrip("!")
        stem = base + base[-1] if word != base else base
        yield base
        if base.endswith("e"):
            yield from (f"{base}s", f"{base}d", f"{base[:-1]}ing")
        elif base.endswith("y") and base[-2] not in "aeo":
            yield from (f"{base[:-1]}ies", f"{base[:-1]}ied", f"{base}ing")
        else:
            ending = "es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s"
            yield from (base + ending, f"{stem}ed", f"{stem}ing")


CUES: Final = frozenset((*_inflect(_REGULAR), *_IRREGULAR.split()))
"""All forms of the verbs that attribute speech or thought to a speaker."""
