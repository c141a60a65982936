//! Somebody at the pages of pam-jwt-authserver, with a browser that has no script: it keeps
//! cookies, goes where it is sent, and sends forms.

use std::collections::BTreeMap;

use crate::Machine;

/// A browser, which knows nobody at first.
pub struct Visitor<'m> {
    machine: &'m Machine,
    issuer: String,
    cookies: BTreeMap<String, String>,
}

impl<'m> Visitor<'m> {
    /// One at the server of this issuer, which listens on the machine's loopback without TLS.
    #[must_use]
    pub fn new(machine: &'m Machine, issuer: &str) -> Self {
        Self {
            machine,
            issuer: issuer.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// The page to which an address, or a path of the server's, leads in the end.
    #[track_caller]
    pub fn open(&mut self, address: &str) -> String {
        self.visit("GET", address, "")
    }

    /// Logs in at a page that asks for it: answers what is asked, a new password with `new` and
    /// any other with `old`, until nothing is. The last page.
    #[track_caller]
    pub fn log_in(&mut self, address: &str, account: &str, old: &str, new: &str) -> String {
        let mut page = self.open(address);
        for _ in 0..5 {
            if page.contains("logged in as") {
                break;
            }
            let hidden = attributes(&page, "<input type=\"hidden\"", "name")
                .into_iter()
                .zip(attributes(&page, "<input type=\"hidden\"", "value"));
            let labels = page.split("<label for=\"").skip(1);
            let typed = labels.filter_map(|label| {
                let (name, label) = label.split_once("\">")?;
                let label = label.split_once('<')?.0.to_lowercase();
                let is_new = label.contains("new");
                let text = match name {
                    "account" => account,
                    _ if is_new => new,
                    _ => old,
                };
                Some((name.to_owned(), text.replace(' ', "+")))
            });
            let form: Vec<String> = hidden
                .chain(typed)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let action = attributes(&page, "<form", "action");
            page = self.visit("POST", &action[0], &form.join("&"));
        }
        page
    }

    #[track_caller]
    fn visit(&mut self, method: &str, address: &str, body: &str) -> String {
        let path = address.strip_prefix(&self.issuer).unwrap_or(address);
        let (_, host) = self.issuer.split_once("//").expect("a URL");
        let (_, port) = host.rsplit_once(':').expect("the issuer has a port");
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Origin: {}\r\nCookie: {}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            self.issuer,
            cookies.join("; "),
            body.len()
        );
        let port = port.parse().expect("a port");
        let answer = self.machine.ask(port, &request).expect("an answer");
        for cookie in answer.headers("set-cookie") {
            let cookie = cookie.split(';').next().expect("a cookie");
            let (name, value) = cookie.split_once('=').expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        match answer.header("location") {
            Some(next) => self.visit("GET", next, ""),
            None => answer.body,
        }
    }
}

/// The attribute of this name of all elements that begin so.
fn attributes(page: &str, element: &str, name: &str) -> Vec<String> {
    let begin = format!(" {name}=\"");
    let elements = page.split(element).skip(1);
    let values = elements.filter_map(|rest| {
        let (_, value) = rest.split_once('>')?.0.split_once(&begin)?;
        Some(value.split_once('"')?.0.to_owned())
    });
    values.collect()
}
