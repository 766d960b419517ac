"""English stop words: words that alone do not tell what a text is about."""

from typing import Final

_TEXT: Final = """
a about above after again against ago all almost along already also although always am amid among
an and another any anyone anything are aren't around as at away back be became because become been
before began being below between both but by call called came can can't cannot come could couldn't
did didn't do does doesn't doing don't done down during each early either else end enough even
ever every everyone few first five for former four friday from full further gave get gets getting
give given go goes going gone good got great had hadn't half has hasn't have haven't having he
he'd he'll her here hers herself him himself his how however i i'd i'll i'm i've if in instead
into is isn't it it'll its itself january february march april june july august september october
november december just keep know known last late later least less let like likely little long look
made make makes making many may maybe me might mine monday more most mr mrs ms much must my myself
near need never new next no nor not nothing now of off often on once one ones only onto or other
others our ours out over own per perhaps put quite rather re read really said same saturday saw
say saying says see seem seems seen several shall she she'd should shouldn't show since six so
some someone something soon still such sunday sure take taken takes tell ten than that the their
theirs them themselves then there these they they'd they'll they're they've think third this those
though three through thursday thus to today together told too took toward towards tuesday two
under until up upon us use used using very want wants was wasn't we we'd we'll we're we've
wednesday well went were weren't what when where whether which while who whole whom whose why will
with within without won't would wouldn't yes yesterday yet you you'd you'll you're you've your
yours
"""
STOP_WORDS: Final = frozenset(_TEXT.split())
