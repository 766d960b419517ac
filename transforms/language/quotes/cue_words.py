"""The words by which speech is attributed, as data: cue verbs, titles, pronouns and so on."""

from collections.abc import Iterator
from typing import Final

from transforms.language.word_lists import word_set

# Verbs by which words are given to a speaker. Their forms are made by rule, `!` marks a final
# consonant that doubles, and the irregular ones are listed.
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
# Nouns that report what their owner says: "her claim that", "Lee's call for".
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
# Cues only together with the word that follows.
CUE_PHRASES: Final = {
    "put": "it", "puts": "it", "go": "on", "goes": "on", "went": "on", "going": "on",
    "according": "to",
}  # fmt: skip
# What is thought is known to the reader because somebody says it.
MENTAL_CUES: Final = word_set(
    """
    believe believes believed believing fear fears feared fearing feel feels felt feeling find
    finds found hear heard hears hope hopes hoped hoping know knew knows love loves loved mean
    means meant think thinks thought thinking want wants wanted worry worries worried
    """
)
# Cues of those who pass on what somebody else said, if there is somebody else.
RELAY_CUES: Final = word_set("according reported reports")
UNAMBIGUOUS_CUES: Final = word_set("said says say saying told tells added adds wrote asked")
WORK_NOUNS: Final = word_set(
    """
    album anthem article ballad blog book broadcast chapter column commentary documentary
    drama entitled episode essay exhibition film hymn magazine memoir movie musical newsletter
    novel opera painting play podcast poem program programme series show single sitcom song
    soundtrack titled track
    """
)
PERFORMANCE_VERBS: Final = word_set(
    """
    perform performed performing performs play played playing plays sang sing singing sings
    sung watch watched watching watches
    """
)
NAMING_WORDS: Final = word_set("so-called dubbed nicknamed nickname termed")
PREPOSITIONS_BEFORE_WORKS: Final = word_set("on of in with")
SMALL_TITLE_WORDS: Final = word_set("a an and at by for from in is of on or the to with")
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
HONORIFICS: Final = word_set("mr. mrs. ms. miss dr. mr mrs ms dr mx")
TITLES_AND_HONORIFICS: Final = PERSON_TITLES | HONORIFICS
PRONOUNS: Final = word_set(
    """
    he she they it we i you who one some others many someone everyone everybody somebody
    nobody both several this that these those which whom what anybody
    """
)
PERSON_NOUNS: Final = word_set(
    """
    activists advocates adviser advisers aide aides analysts author chairman critics democrats
    director experts governor investigators lawmakers lawyer lawyers leader leaders man manager
    member members men nominee officer official officials opponents organizers others people
    person president professor reporter reporters republicans residents senator source sources
    spokesman spokesperson spokeswoman strategist students supporters voters woman women
    """
)
TEXT_NOUNS: Final = word_set(
    """
    ad article bill book caption column complaint data document documents editorial email
    headline interview law lawsuit letter memo message note op-ed order paper piece plan platform
    poll post press record records release report resolution results review rule sign signs site
    speech statement story study survey text tweet video website
    """
)
RATIO_PREPOSITIONS: Final = word_set("in of")
APPROXIMATORS: Final = word_set("about almost around nearly over roughly some")
RELATIVE_PRONOUNS: Final = word_set("who which that whom")
THIRD_PERSON_PRONOUNS: Final = word_set("he she it they")
OBJECT_PRONOUNS: Final = word_set("me him her us them")
SPEAKER_ENTITY_LABELS: Final = word_set("PERSON ORG GPE NORP")
TIME_ENTITY_LABELS: Final = frozenset(("DATE", "TIME"))
SUBJECT_DEPS: Final = frozenset(("nsubj", "nsubjpass", "csubj"))
SHARED_SUBJECT_DEPS: Final = word_set("conj xcomp advcl pcomp prep ccomp aux acl dep")
NOUN_PHRASE_TAGS: Final = word_set(
    "DT PRP$ JJ JJR JJS NN NNS NNP NNPS POS CD HYPH VBN AFX $ PDT FW"
)
NOUN_TAGS: Final = frozenset(("NN", "NNS", "NNP", "NNPS"))
ADVERB_AND_VERB_TAGS: Final = word_set("RB RBR MD VBD VBZ VBP VBN")
FINITE_VERB_TAGS: Final = frozenset(("VBD", "VBP", "VBZ", "MD"))
DASHES: Final = frozenset("–—―-")


def _inflected(words: str) -> Iterator[str]:
    for word in words.split():
        base = word.rstrip("!")
        stem = base + base[-1] if word != base else base
        yield base
        if base.endswith("e"):
            yield from (f"{base}s", f"{base}d", f"{base[:-1]}ing")
        elif base.endswith("y") and base[-2] not in "aeo":
            yield from (f"{base[:-1]}ies", f"{base[:-1]}ied", f"{base}ing")
        else:
            plural = "es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s"
            yield from (base + plural, f"{stem}ed", f"{stem}ing")


CUES: Final = frozenset((*_inflected(_REGULAR), *_IRREGULAR.split()))
"""Every form of every verb that attributes words to a speaker."""
