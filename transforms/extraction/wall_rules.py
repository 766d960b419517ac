r"""The phrases of pages that stand in place of an article: consent walls, bot checks, soft 404s ...

The phrases address the reader or speak of the page itself, so that an article about cookies or
captchas has few of them. They are in the languages of most walls in Europe, America and East Asia.
In a pattern, ``^`` is the beginning of a sentence and ``$`` its end.
"""

import re
from typing import Final, NamedTuple


class WallRule(NamedTuple):
    """A rule: its id, what such a page is (for people), and the pattern of its phrases."""

    rule_id: str
    description: str
    pattern: re.Pattern[str]


UNSPACED: Final = r"\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff"
"""Scripts without spaces between words: Thai, Lao, Burmese, Japanese, Chinese."""
_UNSPACED_LETTER: Final = re.compile(f"[{UNSPACED}]")
_EAST_ASIAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def _rule(rule_id: str, description: str, *phrases: str) -> WallRule:
    spaced = [phrase for phrase in phrases if not _EAST_ASIAN.search(phrase)]
    unspaced = [phrase for phrase in phrases if _EAST_ASIAN.search(phrase)]
    pattern = "|".join([rf"(?<!\w)(?:{'|'.join(spaced)})", *unspaced])
    return WallRule(rule_id, description, re.compile(pattern, re.IGNORECASE))


RULES: Final = (
    _rule(
        "consent",
        "a consent wall",
        r"we and (?:our|selected) (?:\d+ )?(?:\w+ )?(?:partners|vendors|third parties)",
        r"(?:store|access)[\w ,/]{0,40} information on (?:your|a|the user's) device",
        r"may (?:store|retrieve)[\w ,]{0,20} information on your browser",
        r"^before you continue\b|privacy preference cent(?:er|re)|^cookie preferences\W*$",
        r"(?:we|this (?:web)?site|this page|our website) uses? (?:\w+ ){0,3}cookies",
        r"(?:these )?cookies are (?:strictly )?necessary for the (?:web)?site",
        r"(?:accept|allow|reject|manage|decline) (?:all |our |your |the use of |optional )?cookies",
        r"(?:manage|change|set|save|review) (?:(?:your|cookie|privacy|consent) ){1,2}"
        r"(?:choices|preferences|settings|options)|^manage options",
        r"your (?:privacy|cookie|consent) (?:choices|settings|preferences|options)",
        r"we (?:value|respect|care about) your privacy|your data is used to|your right to object",
        r"(?:withdraw|change) your (?:consent|choices)|(?:you can )?accept (?:all|or reject)",
        r"(?:click|tap|press)(?:ing)? (?:on )?[“\"']?(?:accept|agree|i agree|allow)",
        r"personali[sz]ed (?:ads|advertising|content)",
        r"wir (?:und unsere (?:\w+ )?partner|(?:verwenden|nutzen|setzen) (?:\w+ )?cookies)",
        r"(?:alle|cookies) (?:akzeptieren|ablehnen)|mit werbung (?:weiterlesen|lesen|nutzen)",
        r"(?:datenschutz|cookie)-?einstellungen|ihre (?:einwilligung|zustimmung) (?:jederzeit|zu)",
        r"nous et nos (?:\w+ )?partenaires|nous utilisons des cookies",
        r"(?:tout accepter|accepter (?:tout|les cookies)|continuer sans accepter)",
        r"(?:respect(?:ons)? (?:de )?|gérer )(?:vos choix|votre vie privée)",
        r"nosotros y nuestros (?:\w+ )?socios|(?:utilizamos|usamos) cookies",
        r"aceptar (?:todo|cookies)|(?:valoramos|respetamos) (?:tu|su) privacidad",
        r"noi e (?:i nostri (?:\w+ )?partner|(?:alcune )?terze parti)|accetta tutt[oi]",
        r"(?:tuo|suo) consenso|pannello delle preferenze|premere? [“\"']?accett",
        r"(?:utilizziamo|usiamo) (?:i )?cookie|(?:utilizamos|usamos) cookies|aceitar tudo",
        r"nós e os nossos (?:\w+ )?parceiros|my i nasi (?:\w+ )?partnerzy|pliki cookies?",
        r"(?:wij|we) (?:en onze (?:\w+ )?partners|gebruiken (?:\w+ )?cookies)|alles accepteren",
        r"vi och våra (?:\w+ )?partner|vi använder (?:\w+ )?(?:cookies|kakor)|godkänn alla",
        r"мы используем (?:файлы )?cookie|принять все",
        r"我们使用 ?cookie|接受(?:所有|全部)|cookieを(?:使用|利用)|お客様のデバイス|同意する」",
    ),
    _rule(
        "bots",
        "a check for bots",
        r"checking (?:your browser|if the site)|^just a moment\W*$|^attention required",
        r"^one more step\W*$|making sure you(?:'re|’re| are) not a bot|request unsuccessful",
        r"(?:verify|verifying|confirm|prove|check|checking) (?:that |if )?you(?:'re|’re| are) "
        r"(?:a )?(?:human|not a (?:ro)?bot)",
        r"are you (?:a )?(?:human|robot)\?|i(?:'|’)?m not a robot|^human verification",
        r"unusual (?:traffic|activity) from your|automated (?:access|requests)",
        r"^access (?:has been |is |was )?(?:denied|blocked)",
        r"access to this (?:page|site|website|server|resource) (?:has been|is|was) \w+",
        r"permission to (?:access|view) (?:this|the) (?:page|site|server|resource)",
        r"^(?:sorry, )?you have been blocked|(?:your|this) request (?:was|has been|is) blocked",
        r"(?:complete|solve|enter|pass) (?:the|this|a) (?:captcha|security check|challenge)",
        r"enable (?:javascript|js) and cookies|ddos(?: protection by|-guard)|ray id\b",
        r"your browser will (?:be )?redirect|please allow up to \d+ seconds",
        r"triggered the security solution|you were blocked|proof-of-work",
        r"press (?:&|and) hold|pardon our interruption|security (?:check to|checkpoint|service to)",
        r"you are (?:now )?in (?:line|a queue|the queue)|too many requests|this may take a few sec",
        r"^(?:sicherheitsüberprüfung|zugriff verweigert)|sind sie ein (?:mensch|roboter)",
        r"^(?:vérification de sécurité|accès refusé)|êtes-vous un (?:humain|robot)",
        r"vérifi\w+ que vous (?:êtes|n['’]êtes)|verifica (?:que eres|di essere)|no soy un robot",
        r"^(?:acceso denegado|accesso negato)|проверка (?:вашего )?браузера|вы не робот",
        r"(?:人机|安全)验证|拖动.{0,6}滑块|输入验证码|アクセスが(?:拒否|制限)",
    ),
    _rule(
        "javascript",
        "a notice that JavaScript is needed",
        r"(?:enable|activate|turn on|allow|requires?|needs?|without) (?:\w+ ){0,2}javascript",
        r"javascript (?:\w+ ){0,3}(?:disabled|enabled|required|turned off|not available)",
        r"(?:use|using|to|with) a (?:supported|modern|newer|different) (?:web )?browser",
        r"browser (?:\w+ ){0,2}(?:unsupported|not supported|outdated|out of date)",
        r"(?:update|upgrade) your browser|^loading\b\W*(?:please wait)?\W*$|^please wait\W*$",
        r"(?:bitte )?javascript (?:\w+ ){0,3}(?:aktivieren|deaktiviert|eingeschaltet)",
        r"aktivieren sie (?:\w+ )?javascript|activ(?:er|ez) (?:\w+ )?javascript",
        r"javascript (?:est|doit)|habilit\w+ (?:\w+ )?javascript|activ[ae]\w* javascript",
        r"abilita(?:re)? javascript|schakel javascript|включите javascript",
        r"启用 ?javascript|javascriptを(?:有効|オン)",
    ),
    _rule(
        "login",
        "a request to log in or subscribe",
        r"(?:log|sign) ?(?:in|up) (?:to (?:continue|read|view|access|see)|here\b|below|now$"
        r"|or (?:subscribe|register|create|sign up)|with (?:google|facebook|apple|your email))",
        r"^(?:log|sign) in$|subscribe (?:\w+ ){0,3}(?:to|for|and) (?:\w+ ){0,2}(?:continue|read\w*|"
        r"keep|unlock|get|full|unlimited|access)|^subscribe (?:now|today)\W*$",
        r"(?:already|not yet|not) (?:have|a|an) (?:\w+ )?(?:account|subscriber|member)\b\W*"
        r"(?:$|log|sign)",
        r"create (?:an? |your )?(?:free )?account|register (?:\w+ ){0,3}to (?:continue|read)",
        r"(?:this|the) (?:full )?(?:article|content|story|page) is (?:\w+ ){0,3}(?:for|to) "
        r"(?:\w+ ){0,2}(?:subscribers|members|registered)",
        r"to (?:continue|keep|finish) reading|(?:continue|keep) reading (?:with|by|for)",
        r"unlock (?:this|the) (?:article|story)|unlock unlimited|articles? (?:left|remaining) this",
        r"try unlimited access|(?:range of|all) subscriptions|then \W?\d+ per month",
        r"bereits ein abo|^hier anmelden|testen sie (?:\w+ ){0,3}(?:kostenlos|gratis)",
        r"start your (?:\w+ ){0,2}trial|(?:choose|select) (?:a|your) (?:plan|subscription)",
        r"cancel (?:at )?any ?time|for (?:subscribers|members) only$",
        r"(?:jetzt|bitte) (?:abonnieren|anmelden|registrieren|einloggen)|nur für abonnenten",
        r"bereits abonnent|weiterlesen mit|melden sie sich an|abonnenten vorbehalten",
        r"réservé\w* (?:aux|à nos) abonnés|(?:déjà|pas encore) abonnée?\b|abonnez-vous",
        r"connectez-vous|(?:s'|s’)abonner (?:à|pour)|(?:créez|créer) un compte",
        r"(?:exclusivo|solo|sólo) para suscriptores|suscr[ií]bete|inicia(?:r)? sesión",
        r"riservato agli abbonati|sei già abbonato|word (?:nu )?(?:lid|abonnee)|al abonnee\?",
        r"bli prenumerant|endast för prenumeranter|logga in (?:för|här)|только для подписчиков",
        r"登录后|会员专享|会員(?:限定|登録)",
    ),
    _rule(
        "blocked",
        "a notice that the reader is not admitted",
        r"(?:not|un)available (?:\w+ ){0,4}(?:in|to|from) (?:your (?:country|region|location)|"
        r"(?:most|the) european|the eu\b)|from (?:a country belonging to )?the european economic",
        r"access cannot be granted|you are attempting to access this",
        r"you (?:must|have to) be (?:over|at least) (?:18|21)|(?:verify|confirm) your age",
        r"enter your date of birth|are you (?:over|at least) (?:18|21)",
        r"ad ?-?block(?:er|ing)? (?:\w+ ){0,3}(?:detected|enabled)|disable your ad ?-?blocker",
        r"(?:werbe|ad)-?blocker (?:\w+ ){0,3}(?:aktiv|deaktivieren|ausschalten|erkannt)",
    ),
    _rule(
        "missing",
        "a notice that there is no such page",
        r"(?:page|article|story|url|link|post)(?: that| which)?(?: you(?:'re|’re|'ve|’ve)?)?"
        r"(?: \w+){0,5} (?:(?:not|n't|n’t|cannot) (?:be )?(?:found|available|exist)"
        r"|no longer (?:exists?|available|here)|(?:has been|was|been) (?:re)?moved"
        r"|(?:has been |was )(?:expired|deleted|archived))",
        r"(?:can't|can’t|cannot|couldn't|couldn’t|could not) find (?:(?:the|that|this) "
        r"(?:page|article|story|content)|what you)",
        r"(?:page|article|story|file|content|error) not found|^not found",
        r"(?:error|http)[: ]*(?:code[: ]*)?(?:404|410|403|500|502|503)|\b404(?: error)?$",
        r"^(?:404|410)(?:\W*$| ?[-–—|]| error| page| not)",
        r"^oops\W*(?:$|we|that|this|something|page)",
        r"^(?:sorry\W*)?something went wrong\W*(?:$|please|try)",
        r"no (?:search )?results found",
        r"(?:site|page|service|content) is (?:temporarily|currently) (?:unavailable|down)",
        r"(?:site|service|we(?:'re|’re| are)) (?:\w+ ){0,2}(?:under|down for) (?:\w+ )?maintenance",
        r"service unavailable|bad gateway|internal server error|critical error on (?:this|your)",
        r"we (?:have )?looked everywhere|(?:story|page|article) (?:is|has) gone\b",
        r"we(?:'ll|’ll| will) be (?:right )?back|account (?:has been )?suspended",
        r"this domain is (?:registered|for)|get this domain|buy this domain",
        r"domain (?:name )?(?:is|may be|has) (?:for sale|parked|expired)",
        r"(?:seite|artikel|inhalt)(?: \w+){0,4} (?:nicht (?:gefunden|mehr verfügbar|verfügbar)"
        r"|existiert nicht)|(?:seite|artikel) existiert nicht",
        r"(?:page|contenu) (?:introuvable|non trouvée?|inexistante)",
        r"page(?: \w+){0,4} n['’]existe (?:pas|plus)",
        r"sidan (?:\w+ ){0,2}(?:hittades inte|finns inte)",
        r"(?:página|contenido) (?:\w+ ){0,3}no (?:encontrad[ao]|disponible|existe|se encontr)",
        r"pagina (?:\w+ ){0,3}(?:non (?:trovata|disponibile|esiste)|niet gevonden|bestaat niet)",
        r"página não (?:encontrada|existe)|nie znaleziono strony|strona nie istnieje",
        r"страница не найдена|нет такой страницы",
        r"页面不存在|找不到(?:该|您|此)|ページが見つかりません",
    ),
    _rule(
        "redirect",
        "a notice of a new address",
        r"^redirecting\b|redirecting (?:you|to http)|you will be (?:redirected|taken|forwarded)",
        r"you are being (?:redirected|taken|forwarded)|this page has moved|^click here if",
        r"if (?:you are|your browser (?:does|is)) not (?:\w+ )?redirect",
        r"^weiterleitung|^redirection (?:en|vers)|redirigiendo",
    ),
)
"""All rules. A sentence belongs to the first rule that matches it."""

_MAX_SENTENCE_CHARACTERS: Final = 600
_SENTENCE: Final = re.compile(r"[^.!?…。！？\n]+[.!?…。！？]*[\"'”’»]*")
_QUOTED: Final = re.compile(r"“[^”\n]{0,500}”|«[^»\n]{0,500}»|„[^“\n]{0,500}“")


def count_words(text: str) -> int:
    """Return the number of words; two letters of scripts without spaces count as one."""
    return len(text.split()) + len(_UNSPACED_LETTER.findall(text)) // 2


class WallSentence(NamedTuple):
    """A sentence with phrases of walls: its rule, its phrases, and the number of its words."""

    rule: WallRule
    phrases: frozenset[str]
    words: int


def match_wall(line: str) -> WallRule | None:
    """Return the first rule that has a phrase in a line, or None."""
    start = line[:_MAX_SENTENCE_CHARACTERS].strip()
    return next((rule for rule in RULES if rule.pattern.search(start)), None)


def find_wall_sentences(text: str) -> list[WallSentence]:
    """Return the sentences of a text that have a phrase of a wall outside of quotation marks."""
    found = []
    for sentence in _SENTENCE.findall(text):
        own_words = _QUOTED.sub(" ", sentence[:_MAX_SENTENCE_CHARACTERS]).strip()
        for rule in RULES:
            phrases = frozenset(m[0].lower() for m in rule.pattern.finditer(own_words))
            if phrases:
                found.append(WallSentence(rule, phrases, count_words(sentence)))
                break
    return found
