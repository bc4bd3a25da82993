"""Headings of the world's exports by the field they mean: data, read by `headings`.

The words of one field stand in order of preference: where two columns of a file fit, the earlier word wins.
Case, spaces, accents and punctuation do not matter.
"""

from contacts.importing.fields import Field

WORDS: dict[Field, str] = {
    Field.EMAIL: (
        "email, email address, e-mail 1 - value, email 1, primary email, mail, subscriber, "
        "contact email, user email, email id, e-mail adresse, mailadresse, mail adresse, "
        "elektronische post, adresse e-mail, adresse email, courriel, adresse courriel, "
        "adresse electronique, mel, correo electronico, correo, direccion de correo electronico, "
        "direccion de correo, indirizzo e-mail, indirizzo email, posta elettronica, "
        "endereco de e-mail, endereco de email, correio eletronico, e-mailadres, emailadres, "
        "adres e-mail, adres email, poczta, e-posta, eposta, e-posta adresi, e-postadress, "
        "e-postadresse, sahkoposti, sahkopostiosoite, emailova adresa, e-mailova adresa, e-mail cim, "
        "adresa de email, почта, электронная почта, эл. почта, адрес электронной почты, имейл, е-мейл, "
        "електронна пошта, пошта, メール, メールアドレス, eメール, 电子邮件, 电子邮箱, 邮箱, 郵箱, "
        "電子郵件, 이메일, 이메일 주소, البريد الإلكتروني, البريد, ایمیل, דואל, דואר אלקטרוני, ईमेल, "
        "ई-मेल, ईमेल पता, อีเมล"
    ),
    Field.FIRST_NAME: (
        "first name, firstname, fname, given name, forename, vorname, prenom, nombre, primer nombre, "
        "nome, primeiro nome, voornaam, imie, adi, isim, имя, ім'я, förnamn, fornavn, etunimi, jmeno, "
        "keresztnev, prenume, ονομα, 名, 下の名前, 名字, 이름, الاسم الأول, שם פרטי, पहला नाम, adı"
    ),
    Field.LAST_NAME: (
        "last name, lastname, lname, surname, family name, nachname, familienname, zuname, "
        "nom de famille, apellido, apellidos, cognome, sobrenome, apelido, achternaam, nazwisko, "
        "soyad, soyadi, soyisim, фамилия, прізвище, efternamn, etternavn, efternavn, sukunimi, "
        "prijmeni, vezeteknev, nume de familie, επωνυμο, 姓, 苗字, 성, اسم العائلة, שם משפחה, उपनाम, "
        "अंतिम नाम, soyadı"
    ),
    Field.FULL_NAME: (
        "full name, fullname, name, contact name, display name, subscriber name, vollstandiger name, "
        "nom complet, nom et prenom, nombre completo, nombre y apellidos, nome completo, "
        "volledige naam, naam, imie i nazwisko, ad soyad, adi soyadi, фио, полное имя, namn, navn, "
        "nimi, jmeno a prijmeni, teljes nev, nume, 氏名, 名前, お名前, 姓名, 이름 전체, الاسم, "
        "الاسم الكامل, שם מלא, שם, नाम, पूरा नाम, nom, adı soyadı"
    ),
    Field.LANGUAGE: (
        "language, lang, locale, preferred language, language code, sprache, langue, idioma, lingua, "
        "lingua preferita, taal, jezyk, dil, язык, мова, sprak, sprog, kieli, jazyk, nyelv, limba, "
        "γλωσσα, 言語, 语言, 語言, 언어, اللغة, שפה, भाषा"
    ),
    Field.TIMEZONE: (
        "timezone, time zone, contact timezone, tz, zeitzone, fuseau horaire, zona horaria, "
        "fuso orario, fuso horario, tijdzone, strefa czasowa, saat dilimi, часовой пояс, часовий пояс, "
        "tidszon, tidssone, aikavyohyke, casove pasmo, タイムゾーン, 时区, 時區, 시간대, "
        "المنطقة الزمنية, אזור זמן, समय क्षेत्र"
    ),
    Field.COUNTRY: (
        "country, country/region, country code, cc, country name, land, staat, pays, pais, paese, "
        "nazione, kraj, ulke, страна, країна, maa, zeme, orszag, tara, χωρα, 国, 国家, 國家, 국가, "
        "البلد, الدولة, מדינה, ארץ, देश"
    ),
    Field.TAGS: (
        "tags, tag, labels, label, categories, schlagworte, schlagworter, etiketten, kategorien, "
        "etiquettes, etiquetas, categorias, etichette, tagi, etykiety, etiketler, теги, метки, мітки, "
        "taggar, etiketter, stitky, タグ, 标签, 標籤, 태그, وسوم, תגיות, टैग, segments, groups, lists"
    ),
    Field.STATUS: (
        "status, subscription status, subscriber status, email status, marketing contact status, "
        "member status, contact status, email marketing status, accepts marketing status, "
        "optin status, opt in status, state of subscription, statut, estado, stato, durum, статус, "
        "ステータス, 状态, 상태, الحالة"
    ),
    Field.OPTED_IN: (
        "opt in, optin, opted in, double opt in, double optin, accepts marketing, "
        "accepts email marketing, subscribed, is subscribed, subscribed to newsletter, newsletter, "
        "consent, marketing consent, email consent, einwilligung, abonne, suscrito, iscritto"
    ),
    Field.OPTED_OUT: (
        "opt out, optout, opted out, email opt out, has opted out of email, hasoptedoutofemail, "
        "unsubscribed, is unsubscribed, unsubscribed from all email, do not email, do not contact, "
        "donotemail, blacklisted, blocklisted, email blacklisted, emailblacklisted, suppressed, "
        "abgemeldet, desabonne, desinscrit"
    ),
    Field.UNSUBSCRIBED_AT: (
        "unsub time, unsubscribed at, unsubscribe time, unsubscribe date, unsubscribed date, "
        "opt out date, date unsubscribed"
    ),
    Field.BOUNCED_AT: "clean time, cleaned at, bounced at, bounce date, hard bounce date, date bounced",
    Field.CONSENT_AT: (
        "confirm time, confirmed at, consent at, consent time, consent date, confirmation time, "
        "confirmation date, optin time, opt in time, opt in date, opted in at, subscribed at, "
        "subscription date, date subscribed, signup date"
    ),
    Field.CONSENT_IP: (
        "confirm ip, consent ip, consent address, confirmation ip, optin ip, opt in ip, opted in ip, "
        "signup ip, subscribe ip"
    ),
    Field.JSON: (
        "attributes, attribs, custom fields, customfields, merge fields, properties, metadata, custom attributes, extra"
    ),
    Field.SKIP: "import line, import reason",
}

# Columns that many exports have and we have no field for: one key for all their names.
ATTRIBUTE_WORDS: dict[str, str] = {
    "phone": (
        "phone, phone number, telephone, mobile phone, mobile, sms, telefon, telefonnummer, "
        "telephone portable, telefono, telefone"
    ),
    "city": (
        "city, town, ort, stadt, wohnort, ville, ciudad, citta, cidade, plaats, miasto, sehir, город, "
        "都市, 城市, المدينة"
    ),
    "company": (
        "company, company name, organization, organisation, organization name, firma, unternehmen, "
        "entreprise, empresa, azienda"
    ),
    "birthday": (
        "birthday, birth date, birthdate, date of birth, dob, geburtstag, geburtsdatum, anniversaire, date de naissance"
    ),
    "spent": "spent, total spent, amount spent, umsatz, revenue, chiffre d'affaires, ingresos, fatturato",
}
