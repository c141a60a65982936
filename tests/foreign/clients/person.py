"""Somebody at a browser without JavaScript: opens an address, fills in what the pages ask for,
and submits them by the first button that stands in their form, or by the one named.

    person.py ACCOUNT PASSWORD ADDRESS [BUTTON]

Where the server sends the browser to the client, that address is printed, and not opened; where
a page has no form to fill in, its text is.
"""

import ssl
import sys
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)


class NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Page(HTMLParser):
    """The forms of a page with their fields, and its text."""

    def __init__(self, html):
        super().__init__()
        self.forms, self.text, self.silent = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append({"action": attrs.get("action", ""), "fields": [], "buttons": []})
            self.forms[-1]["method"] = attrs.get("method", "get").lower()
        elif tag in ("input", "button") and self.forms:
            kind = attrs.get("type", "submit" if tag == "button" else "text")
            field = (kind, attrs.get("name"), attrs.get("value", ""))
            self.forms[-1]["buttons" if kind == "submit" else "fields"].append(field)
        self.silent = tag in ("style", "title")

    def handle_endtag(self, tag):
        self.silent = False

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.text.append(data.strip())


def browse(account, password, address, button):
    context = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
    browser = build_opener(
        NoRedirects, HTTPCookieProcessor(CookieJar()), HTTPSHandler(context=context)
    )
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
    request = Request(address)
    for _ in range(20):
        try:
            answer = browser.open(request, timeout=60)
        except HTTPError as error:
            answer = error
        location = answer.headers.get("Location")
        if location is not None:
            address = urljoin(address, location)
            if not address.startswith(origin + "/"):
                return address
            request = Request(address)
            continue
        page = Page(answer.read().decode())
        if not page.forms:
            return " ".join(page.text)
        form, sent = page.forms[0], []
        for kind, name, value in form["fields"]:
            typed = {"text": account, "password": password}.get(kind)
            # What the page has filled in already stays.
            sent.append((name, value if value or typed is None else typed))
        buttons = [pressed for pressed in form["buttons"] if button in (None, pressed[2])]
        sent += [(name, value) for _, name, value in buttons[:1] if name]
        sent = urlencode([(name, value) for name, value in sent if name])
        address = urljoin(address, form["action"])
        if form["method"] == "get":
            request = Request(f"{address.split('?')[0]}?{sent}")
        else:
            request = Request(address, sent.encode(), {"Origin": origin})
    return "there is no end of pages: " + " ".join(page.text)


print(browse(*sys.argv[1:4], sys.argv[4] if len(sys.argv) > 4 else None))
