//! What a server that runs can take up of other settings.

use super::Config;

/// Whether a server that was started with `old` can go on with `new`.
///
/// # Errors
/// What of it holds from a start on, and is another now. Silence would have the administrator
/// believe that it is as it was written.
pub fn can_follow(old: &Config, new: &Config) -> Result<(), String> {
    let local = |config: &Config| (config.local.enabled, config.local.socket.clone());
    let (accounts, others) = (&old.accounts, &new.accounts);
    let held = [
        ("issuer", old.issuer != new.issuer),
        ("listen", old.listen != new.listen),
        ("metrics", old.metrics != new.metrics),
        ("url of [store]", old.store.url != new.store.url),
        (
            "whether there is [tls]",
            old.tls.is_some() != new.tls.is_some(),
        ),
        ("enabled and socket of [local]", local(old) != local(new)),
        (
            "max_conversations of [accounts]",
            accounts.max_conversations != others.max_conversations,
        ),
        (
            "conversation_timeout of [accounts]",
            accounts.conversation_timeout != others.conversation_timeout,
        ),
        (
            "pending of [limits]",
            old.limits.pending != new.limits.pending,
        ),
    ];
    match held.into_iter().find(|(_, is_other)| *is_other) {
        Some((what, _)) => Err(format!("{what} holds from a start on: restart the server")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reload_cannot_change_is_told() {
        let config =
            |more: &str| Config::parse(&format!("issuer = \"https://a\"\n{more}")).unwrap();
        let old = config("");
        let told = |new: &Config| {
            let why = can_follow(&old, new).err()?;
            let (what, mend) = why.split_once(" holds from a start on: ").unwrap();
            assert_eq!(mend, "restart the server");
            Some(what.to_owned())
        };
        for (more, expected) in [
            ("", None),
            (
                "proxies = [\"192.0.2.1\"]\n[local]\nclient_id = \"x\"",
                None,
            ),
            ("listen = [\"127.0.0.1:1\"]", Some("listen")),
            ("metrics = \"127.0.0.1:1\"", Some("metrics")),
            ("[store]\nurl = \"postgres://x\"", Some("url of [store]")),
            (
                "[tls]\ncertificate = \"a\"\nkey = \"b\"",
                Some("whether there is [tls]"),
            ),
            (
                "[local]\nenabled = false",
                Some("enabled and socket of [local]"),
            ),
            (
                "[local]\nsocket = \"/x\"",
                Some("enabled and socket of [local]"),
            ),
            (
                "[accounts]\nmax_conversations = 65",
                Some("max_conversations of [accounts]"),
            ),
            (
                "[accounts]\nconversation_timeout = \"4m\"",
                Some("conversation_timeout of [accounts]"),
            ),
            ("[accounts]\nmin_uid = 500\n[limits]\nbody = 5000", None),
            ("[limits]\npending = 9999", Some("pending of [limits]")),
        ] {
            assert_eq!(told(&config(more)).as_deref(), expected, "{more}");
        }
        let other = Config::parse("issuer = \"https://b\"").unwrap();
        assert_eq!(told(&other).as_deref(), Some("issuer"));
    }
}
