"""People's programs and machines are told apart by what they call themselves."""

import pytest

from deliverability.agents import AgentKind, kind_of_agent

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
PHONE = "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.123 Mobile Safari/537.36"

PEOPLE = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/131.0.0.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME}",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22B83 "
    "[FBAN/FBIOS;FBAV/490.0.0.46.110;FBBV/660512345;FBDV/iPhone15,2;FBMD/iPhone;FBSN/iOS;FBSV/18.1]",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; Microsoft Outlook 16.0.5071; ms-office)",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; Embedded Web Browser from: http://bsalsa.com/; .NET CLR 2.0.50727)",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
    "Outlook-iOS/723.4027091.prod.iphone (4.28.0)",
    "YahooMobileMail/1.0 (Android Mail; 6.1) (shamu;motorola;Nexus 6)",
    "Opera/9.80 (Android; Opera Mini/12.0.1987/37.7327; U; pl) Presto/2.12.423 Version/12.16",
    "Dalvik/2.1.0 (Linux; U; Android 9; SM-G965U Build/PPR1.180610.011)",
    "com.apple.WebKit.Networking/8615.7.1.10.1 CFNetwork/1410.1 Darwin/22.6.0",
    "Amazon.com/24.18.2.100 (Android/10/SM-G960U)",
    # What looks like a machine's word and is none.
    f"Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX Build/MRA58K) {PHONE}",
    f"Mozilla/5.0 (Linux; Android 5.1; HUAWEI LUA-L23 Build/HUAWEILUA-L23; wv) {PHONE}",
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) {PHONE} CamScanner/4.8.5.2310271827",
    f"Mozilla/5.0 (Linux; Android 10; K) {PHONE} (Ecosia android@111.0.5563.116)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 9_3_4 like Mac OS X) AppleWebKit/601.1.46 (KHTML, like Gecko) Mobile/13G35 QQ/6.5 NetType/2G",
]
IMAGE_PROXIES = [
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Mozilla/5.0 SeznamEmailProxy/2.0.174",
    "FastmailUA/1.0",
    "Shortwave Image Fetcher",
    "ExampleMailImageProxy/1.0",
]
SCANNERS = [
    "Mozilla/5.0 (compatible; BarracudaCentral)",
    "Proofpoint URL Defense/1.0",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} SecurityHeaders",
    "Mozilla/5.0 (compatible; SomeScanner/2.0)",
    "Mozilla/5.0 zgrab/0.x",
]
BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.replace('Chrome', 'HeadlessChrome')}",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy 149 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1",
    "WhatsApp/2.23.20.0 A",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Microsoft Office Existence Discovery",
    "Mozilla/5.0 (compatible; NobodyKnowsIt/1.0)",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Python-urllib/3.11",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "axios/1.7.7",
    "Wget/1.21.4",
    "Apache-HttpClient/4.5.14 (Java/17.0.13)",
    "PostmanRuntime/7.42.0",
    "Uptime-Kuma/1.23.11",
    "NobodyKnowsIt",
    "123",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_browsers_and_mail_programs_are_peoples(agent: str) -> None:
    assert kind_of_agent(agent) is AgentKind.HUMAN
    assert AgentKind.HUMAN.by_person is True


@pytest.mark.parametrize("agent", IMAGE_PROXIES)
def test_a_mailbox_providers_image_proxy_stands_for_its_reader(agent: str) -> None:
    assert kind_of_agent(agent) is AgentKind.IMAGE_PROXY
    assert AgentKind.IMAGE_PROXY.by_person is True


def test_apples_privacy_protection_loads_everything_read_or_not() -> None:
    assert kind_of_agent("Mozilla/5.0") is AgentKind.PRIVACY_PROXY
    assert kind_of_agent(" mozilla/5.0 ") is AgentKind.PRIVACY_PROXY
    assert AgentKind.PRIVACY_PROXY.by_person is False


@pytest.mark.parametrize("agent", SCANNERS)
def test_scanners_are_machines(agent: str) -> None:
    assert kind_of_agent(agent) is AgentKind.SCANNER
    assert AgentKind.SCANNER.by_person is False


@pytest.mark.parametrize("agent", BOTS)
def test_programs_are_machines_whatever_their_trade(agent: str) -> None:
    assert kind_of_agent(agent) is AgentKind.BOT
    assert AgentKind.BOT.by_person is False


@pytest.mark.parametrize("agent", [None, "", "  "])
def test_who_says_nothing_is_not_known(agent: str | None) -> None:
    assert kind_of_agent(agent) is AgentKind.UNKNOWN
    assert AgentKind.UNKNOWN.by_person is None


@pytest.mark.parametrize(
    "piece", ["a", "a-", "seo-", "+a", "a@", "a.", " mail ", "image ", "-client", "(compatible; ", "\x00", "é"]
)
def test_any_text_has_a_kind(piece: str) -> None:
    assert kind_of_agent((piece * 300)[:300]) in AgentKind
