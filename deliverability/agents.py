"""Who loaded a picture or followed a link, by the User-Agent: a person's program, or one that does so unasked.

Three questions in turn: does it name a mailbox provider's image proxy; does it call itself a program; does it look like
a browser or mail program. What does none of these is a program too. Security gateways that pass for browsers cannot
be told by their name, only by what they do: outbound.recording looks at that.
"""

import re
from enum import StrEnum
from functools import lru_cache


class AgentKind(StrEnum):
    """Who asked."""

    HUMAN = "human"  # a browser or mail program
    IMAGE_PROXY = "image_proxy"  # Gmail, Yahoo: fetches when the reader opens; device and place are unknown
    PRIVACY_PROXY = "privacy_proxy"  # Apple Mail Privacy Protection: fetches everything, read or not
    SCANNER = "scanner"  # looks for malice or faults in mail and sites
    BOT = "bot"  # everything else: crawlers, previews, monitoring, libraries
    UNKNOWN = "unknown"  # it did not say

    @property
    def by_person(self) -> bool | None:
        """Whether a person stands behind it; None: it cannot be told."""
        return None if self is AgentKind.UNKNOWN else self in (AgentKind.HUMAN, AgentKind.IMAGE_PROXY)


@lru_cache(maxsize=8_192)
def kind_of_agent(agent: str | None) -> AgentKind:
    """The kind of a User-Agent header's value."""
    named = (agent or "").strip().lower()
    if not named:
        return AgentKind.UNKNOWN
    if named == _APPLE:
        return AgentKind.PRIVACY_PROXY
    if _IMAGE_PROXY.search(named) and not _ROBOTS_ADDRESS.search(named):
        return AgentKind.IMAGE_PROXY
    if _has(_SCANNERS, named) or _SCANNER.search(named):
        return AgentKind.SCANNER
    if _has(_PROGRAMS, named) or _PROGRAM.search(named) or _is_site(named):
        return AgentKind.BOT
    return AgentKind.HUMAN if _has(_PEOPLES, named) or _PEOPLE.search(named) else AgentKind.BOT


def _is_site(named: str) -> bool:
    """Apps on phones are called after their site, too."""
    return _SITE.search(named) is not None and not _has(_PHONES, named)


def _has(words: tuple[str, ...], text: str) -> bool:
    """Many times faster than one pattern of as many words."""
    return any(word in text for word in words)


def _words(text: str) -> tuple[str, ...]:
    """One a line, or several between commas."""
    return tuple(word.strip() for word in text.replace("\n", ",").split(",") if word.strip())


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# The whole of it: https://support.apple.com/102322
_APPLE = "mozilla/5.0"

# What providers' proxies are called: by name, and as their kind is. Chats that give the address of their robots are none.
_IMAGE_PROXY = _any_of(
    r"googleimageproxy|fastmailua|^shortwave image",
    r"mail[-._ ]?(image[-._ ]?)?proxy\b",
    r"(?<![a-z])image[-._ ]?proxy\b",
)
_ROBOTS_ADDRESS = re.compile(r"^(?!.*yahoomailproxy).*https?:")

_SCANNERS = _words("""
    vulnerab, pentest, malware, phish, virus, antispam, threat, exploit, sqlmap, security headers, securityheaders
    barracuda, mimecast, proofpoint, symantec, messagelabs, ironport, fireeye, trellix, forcepoint, websense, zscaler
    fortinet, fortiguard, sophos, trendmicro, trend micro, bitdefender, checkpoint, paloalto, palo alto, netskope
    cloudmark, vadesecure, hornetsecurity, safelinks, microsoft defender, urlscan, censys, shodan, qualys, nessus
    acunetix, nikto, burp, nuclei, nmap, masscan, zgrab, netcraft, watchtowr, cookiehub
""")
_SCANNER = _any_of(r"(?<!cam)scan(ner|ning)?\b", r"\bscan")

_PROGRAMS = _words("""
    robot, crawl, spider, slurp, scraper, sucker, archiv, harvest, extract, indexer, fetch, collector, downloader
    preview, unfurl, onebox, linkexpan, link expan, externalhit, externalagent, thumbnail, thumbor, favicon, screenshot
    webcapture, web capture, imgproxy
    monitor, uptime, pingdom, pinger, probe, synthetic, watchdog, watcher, healthcheck, health-check, healthservice
    heartbeat, catchpoint, gomezagent, site24x7, validat, verify, verifier, analyser, analyzer, audit, lighthouse
    pagespeed, page speed, insight, gtmetrix, dareboost
    headless, phantomjs, selenium, puppeteer, playwright, cypress, webdriver, automat, slimerjs
    subscri, syndicat, aggregat, newsblur, blogtrottr, marketing, optimizer, research, academic, webmaster, webhook
    python, urllib, aiohttp, httpx, requests/, scrapy, curl, wget, httpie, libwww-, lwp-, lwp:, guzzle, zend, symfony
    drupal, wordpress, ruby, faraday, typhoeus, mechanize, apache-, httpclient, okhttp, unirest, jersey, go-http, go http
    fasthttp, node-, nodejs, node.js, axios, undici, superagent, needle, restclient, rest-client, restsharp, winhttp
    wininet, cryptoapi, dart:, dart/, erlang, hackney, lua-resty, luasocket, reqwest, postman, insomnia, apachebench, aws-sdk
    facebookexternal, facebookcatalog, facebookplatform, meta-external, skypeuri, google-, googleother, google favicon
    google web preview, yandex.com, mediapartners, pubsub, appengine, ia_archiver, datadog, newrelic, dynatrace, ruxit
    appinsights, prtg, zabbix, nagios, existence discovery, chatgpt, claude-, anthropic, openai, perplexity, cohere
""")
_PROGRAM = _any_of(
    r"(?<!cu)bots?(?![a-z])|(?<![a-z])bot",
    r"\b(ping|rss|perl|php|grpc|netty\b|jetty|deno|bun/|rust|boto|colly|java/|seo)|[a-z]seo\b|seo[a-z0-9-]|scrap[ey]\b|parser\b|checker\b|check\b",
    r"feed(?!ly app)|embed(?!ded)|\bptst|^go |got[ /(]|^whatsapp|http[-_. ]client|http[-_ ]request|reader/\d+\.\d+$",
    r"[- ](agent|service|client|api|server|daemon|tool|plugin|integration)s?\b(?![^)]*build)",
    # Who says where to complain, and who says what he is compatible with and is no old browser.
    r"https?:/(?!/bsalsa)|\bwww\.|\+\w[\w-]*\.[a-z]{2}|\w@[a-z][\w-]*\.[a-z]{2}|\[at\]",
    r"\(compatible; (?!msie|konqueror|icab|googletoolbar|opera|lotus-notes|ms-office|ibrowse|amiga|netpositive)",
)
_SITE = re.compile(r"[a-z0-9](?<!bsalsa)\.(com|org|io|ai)\b")
_PHONES = ("android", "iphone", "ipad")

# What browsers, apps on phones and mail programs are made of.
_PEOPLES = _words("""
    applewebkit, webkit.networking, gecko/, trident/, msie, presto/, khtml, netfront, opera/, dalvik/, cfnetwork/
    networkingextension, iphone, ipad, ipod, windows nt, windows phone, windows mobile, macintosh, x11;, symbian, blackberry
    nokia, amiga, morphos, playstation, nintendo, xbox, webos, tizen, kaios, ucweb, ucbrowser, up.browser, links (, lynx/
    elinks, w3m/, ibrowse, mosaic, netpositive, googleapp/, webview
    outlook, microsoft office, ms-office, thunderbird, evolution/, kmail, lotus-notes, lotusnotes, hcl notes, the bat!, airmail
    postbox, superhuman, emclient, em client, mailspring, spark/, mailmate, mailbird, incredimail, eudora, seamonkey, claws
    geary, betterbird, canary, newton, bluemail, foxmail, zimbra, groupwise, k-9, fairemail, yahoomobilemail, samsung email
    samsungemail, gmail, apple mail, applemail, polymail, windowslivemail, mail.app, sylpheed, mutt
""")
_PEOPLE = _any_of(r"\bandroid\b|\bmac ?os|\bios[ /_]|\bmidp|\bcldc")
