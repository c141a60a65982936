//! `jwt-ssh status`.

use super::*;
use serde_json::{Value, json};

#[test]
fn status_says_which_key_and_where_it_is() {
    let machine = machine_with(&["k1", "k2"]);
    bind(&machine, "keys/k2");
    let thumbprint = |machine: &Machine| {
        let token = machine.command(["pam-jwt", "jws", "inspect"]);
        let token = token
            .stdin(machine.read("/home/carol/token"))
            .run()
            .expect_success();
        let at = token.stdout.split("\"jkt\":").nth(1).expect("a thumbprint");
        at.split('"').nth(1).expect("a text").to_owned()
    };
    let status = |agent: &str, more: &str| {
        let text = format!("jwt-ssh status {more}");
        let text = if agent.is_empty() {
            text
        } else {
            with_agent(agent, &text)
        };
        script(&machine, &text).expect_success().stdout
    };
    let named = thumbprint(&machine);
    let refuses = format!("key      {named}, none of yours; a host refuses the token without it\n");
    let first = |place: &str| format!("key      {place}, {named}; ssh offers it first\n");
    for (agent, line) in [("", refuses), ("keys/k1 keys/k2", first("the agent"))] {
        for host in ["", "alice@machine"] {
            let text = status(agent, host);
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }
    configure(
        &machine,
        "Host machine\nIdentityFile ~/keys/k1\nIdentityFile ~/keys/k2\n",
    );
    let line = first("/home/carol/keys/k2 and the agent");
    let text = status("keys/k2 keys/k1", "machine");
    assert!(text.contains(&line), "{text}");
    let parsed = |agent: &str, more: &str| -> Value {
        let text = status(agent, &format!("--json {more}"));
        serde_json::from_str::<Value>(&text).expect("JSON")["key"].take()
    };
    let found = json!({
        "thumbprint": named, "file": "/home/carol/keys/k2", "in_agent": false,
        "offered_first": true, "remark": null,
    });
    assert_eq!(parsed("", "machine"), found);
    let missing = parsed("keys/k1", "");
    assert_eq!(
        (
            &missing["file"],
            &missing["in_agent"],
            &missing["offered_first"]
        ),
        (&json!(null), &json!(false), &json!(false))
    );
    let remark = missing["remark"].as_str().expect("a remark");
    assert!(
        remark.contains(&named) && remark.contains("none of yours"),
        "{remark}"
    );
    configure(&machine, "Host machine\nIdentityFile ~/keys/k1\n");
    let text = status("keys/k1 keys/k2", "machine");
    assert!(
        text.contains("; ssh offers carol's k1 before it\n"),
        "{text}"
    );
}
