"""The phrases of pages that stand in place of an article: consent walls, bot checks, soft 404s ...

A rule matches a line of text. Its phrases address the reader or speak of the page itself, so that
an article about cookies or captchas does not match. They are in English, German, French, Spanish,
Italian, Dutch, Portuguese and Polish, as far as walls in these languages were seen.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class WallRule(NamedTuple):
    """A rule: its id, what such a page is (for people), and the pattern of its phrases."""

    rule_id: str
    description: str
    pattern: re.Pattern[str]


def _rule(rule_id: str, description: str, *phrases: str) -> WallRule:
    pattern = r"(?<!\w)(?:" + "|".join(phrases) + ")"
    return WallRule(rule_id, description, re.compile(pattern, re.IGNORECASE))


RULES: Final = (
    _rule(
        "consent",
        "a consent wall",
        r"we and (?:our|selected) (?:\d+ )?(?:\w+ )?(?:partners|vendors|third parties)",
        r"(?:store|access)[\w ,/]{0,40} information on (?:your|a|the user's) device",
        r"before you continue(?: to)?\b",
        r"(?:we|this (?:web)?site|this page|our website) uses? (?:\w+ ){0,3}cookies",
        r"(?:accept|allow|reject|manage|decline) (?:all |our |your |the use of |optional )?cookies",
        r"(?:manage|change|set|save|review) (?:your )?(?:cookie |privacy |consent )?"
        r"(?:choices|preferences|settings|options)",
        r"your (?:privacy|cookie|data|consent) (?:choices|settings|preferences|options|rights)",
        r"we (?:value|respect|care about) your privacy",
        r"your (?:consent|choices|right to object)",
        r"(?:click|tap|press)(?:ing)? (?:on )?[“\"']?(?:accept|agree|i agree|allow)",
        r"personali[sz]ed (?:ads|advertising|content)",
        r"wir (?:und unsere (?:\w+ )?partner|(?:verwenden|nutzen|setzen) (?:\w+ )?cookies)",
        r"(?:alle|cookies) (?:akzeptieren|ablehnen)",
        r"(?:datenschutz|cookie)-?einstellungen|ihre (?:einwilligung|zustimmung)",
        r"nous et nos (?:\w+ )?partenaires|nous utilisons des cookies",
        r"(?:tout accepter|accepter (?:tout|les cookies)|continuer sans accepter)",
        r"vos (?:choix|préférences) (?:en matière|de|relatives)|votre vie privée",
        r"nosotros y nuestros (?:\w+ )?socios|(?:utilizamos|usamos) cookies|aceptar (?:todo"
        r"|cookies)",
        r"(?:valoramos|respetamos) (?:tu|su) privacidad",
        r"noi e i nostri (?:\w+ )?partner|(?:utilizziamo|usiamo) i cookie|accetta tutt[oi]",
        r"(?:wij|we) (?:en onze (?:\w+ )?partners|gebruiken (?:\w+ )?cookies)|alles accepteren",
        r"nós e os nossos (?:\w+ )?parceiros|(?:utilizamos|usamos) cookies|aceitar (?:tudo|todos)",
    ),
    _rule(
        "bot-check",
        "a check for bots",
        r"checking (?:your|if the site)|just a moment\b|attention required|one more step",
        r"(?:verify|verifying|confirm|prove|check|checking) (?:that |if )?you(?:'re|’re| are) "
        r"(?:a )?(?:human|not a (?:ro)?bot)",
        r"are you (?:a )?(?:human|robot)|i(?:'|’)?m not a robot|human verification",
        r"unusual (?:traffic|activity) from your|automated (?:access|requests)",
        r"access (?:to this (?:page|site|website) )?(?:has been |is |was )?(?:denied|blocked)",
        r"you (?:have been|are|were) (?:\w+ )?blocked|(?:your )?request (?:was|has been"
        r"|is) blocked",
        r"(?:complete|solve|enter|pass) (?:the|this|a) (?:captcha|security check|challenge)",
        r"enable (?:javascript|js) and cookies|ddos protection by|ray id\b|performance & security",
        r"your browser will (?:be )?redirect|please allow up to \d+ seconds",
        r"press (?:&|and) hold|pardon our interruption|security (?:check|verification) (?:in|to)",
        r"sicherheitsüberprüfung|sind sie ein (?:mensch|roboter)|zugriff verweigert",
        r"vérification de sécurité|êtes-vous un (?:humain|robot)|accès refusé",
        r"verifica (?:que eres|di essere)|no soy un robot|acceso denegado|accesso negato",
    ),
    _rule(
        "javascript",
        "a notice that JavaScript is needed",
        r"(?:enable|activate|turn on|allow|requires?|needs?|without) (?:\w+ ){0,2}javascript",
        r"javascript (?:\w+ ){0,3}(?:disabled|enabled|required|turned off|not available)",
        r"(?:supported|modern|newer|different) (?:web )?browser|browser (?:\w+ ){0,2}"
        r"(?:unsupported|not supported|outdated|out of date)|(?:update|upgrade) your browser",
        r"javascript (?:zu )?(?:aktivieren|ist deaktiviert)|aktivieren sie (?:bitte )?javascript",
        r"activ(?:er|ez) javascript|javascript (?:est|doit)|habilit\w+ javascript"
        r"|activ[ae]\w* javascript|abilita(?:re)? javascript|schakel javascript",
    ),
    _rule(
        "login",
        "a request to log in or subscribe",
        r"(?:log|sign) ?(?:in|up|on) (?:to|or|for|with|here|now|below)|(?:log|sign) in$",
        r"subscribe (?:\w+ ){0,3}(?:to|for|and) (?:\w+ ){0,2}(?:continue|read\w*|keep|unlock|get|"
        r"full|unlimited|access)|subscribe (?:now|today)$",
        r"(?:already|not yet|not) (?:have|a|an) (?:\w+ )?(?:account|subscri\w+|member\w*)",
        r"create (?:a |an |your )?(?:free )?(?:\w+ )?account"
        r"|register (?:\w+ ){0,3}to (?:continue|read)",
        r"(?:this|the) (?:full )?(?:article|content|story|page) is (?:\w+ ){0,3}(?:for|to) "
        r"(?:\w+ ){0,2}(?:subscribers|members|registered)",
        r"to (?:continue|keep|finish) reading|(?:continue|keep) reading (?:with|by|for)",
        r"unlock (?:this|the|unlimited|full)|(?:free )?articles? (?:left|remaining) this month",
        r"start (?:your|a) (?:\w+ )?trial|(?:choose|select) (?:a|your) (?:plan|subscription)",
        r"cancel (?:at )?any ?time|(?:subscribers?|members?)[ -]only|for (?:subscribers"
        r"|members) only",
        r"(?:jetzt|bitte) (?:abonnieren|anmelden|registrieren|einloggen)|nur für abonnenten",
        r"(?:bereits|noch kein) abonnent|weiterlesen mit|melden sie sich an",
        r"réservé\w* (?:aux|à nos) abonnés|(?:déjà|pas encore) abonnée?\b|abonnez-vous"
        r"|connectez-vous",
        r"(?:s'|s’)abonner|se connecter|(?:créez|créer) un compte",
        r"(?:exclusivo|solo|sólo) para suscriptores|suscr[ií]bete|inicia(?:r)? sesión",
        r"riservato agli abbonati|sei già abbonato|word (?:nu )?(?:lid|abonnee)|al abonnee",
    ),
    _rule(
        "missing",
        "a notice that there is no such page",
        r"(?:page|article|story|content|url|link|address)(?: that| which)?(?: you(?:'re|’re|'ve"
        r"|’ve)?)?"
        r"(?: \w+){0,5} (?:(?:not|n't|n’t|cannot) (?:be )?(?:found|available|exist)"
        r"|no longer (?:exists?|available|here)|(?:has been|was|been) (?:re)?moved|expired"
        r"|deleted)",
        r"(?:can't|can’t|cannot|couldn't|couldn’t|could not) find (?:the|that|this|what)",
        r"(?:page|article|story|file|content|error) not found|not found$|^not found"
        r"|no longer available",
        r"(?:error|http|code)[: ]*(?:404|410|403|500|502|503)|\b404(?: error)?$",
        r"^(?:404|410)(?:\W*$| ?[-–—|]| error| page| not)",
        r"(?:doesn't|doesn’t|does not|no longer) exists?\b|^oops\b|something went wrong",
        r"(?:temporarily|currently) (?:unavailable|down)|(?:under|scheduled) maintenance"
        r"|service unavailable|bad gateway|internal server error",
        r"(?:seite|artikel|inhalt)(?: \w+){0,3} nicht (?:gefunden|mehr verfügbar|verfügbar)"
        r"|nicht gefunden$|existiert nicht",
        r"(?:page|contenu) (?:introuvable|non trouvée?|inexistante)|n['’]existe (?:pas|plus)",
        r"(?:página|contenido) no (?:encontrad[ao]|disponible|existe)|no se (?:ha )?encontr",
        r"pagina non (?:trovata|disponibile|esiste)|pagina (?:is )?niet gevonden|bestaat niet",
        r"página não (?:encontrada|existe)|nie znaleziono|strona nie istnieje",
    ),
    _rule(
        "redirect",
        "a notice of a new address",
        r"redirecting\b|you (?:are|will) be(?:ing)? (?:redirected|taken|forwarded)",
        r"if (?:you are|your browser (?:does|is)) not (?:\w+ )?redirect",
        r"this page has moved|click here if|weiterleitung|redirection (?:en|vers)|redirigiendo",
    ),
)
"""All rules. A line belongs to the first rule that matches it."""

_MAX_LINE_CHARACTERS: Final = 600


def match_walls(text: str) -> Iterator[tuple[str, WallRule | None]]:
    """Yield each line of a text with the rule that matches it, or None."""
    for line in text.splitlines():
        start = line[:_MAX_LINE_CHARACTERS].strip()
        yield line, next((rule for rule in RULES if rule.pattern.search(start)), None)
