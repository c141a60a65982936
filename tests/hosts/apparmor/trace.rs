//! What processes did, by strace: one file for each, and what AppArmor asks its profile for.

use std::collections::BTreeMap;

/// The calls that are looked at.
pub const CALLS: &str = "trace=%file,%process,mmap,socket,bind,connect,sendto,sendmsg,flock,fcntl,\
    fchmod,fchown,setuid,setgid,setgroups,setresuid,setresgid,setreuid,setregid";

/// Something that a profile has to allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// A path, as it was named to the kernel and from where, and the letters of apparmor.d(5).
    Path(String, &'static str),
    /// The words of another rule.
    Rule(&'static [&'static str]),
    /// Another program.
    Execute(String),
    /// Another process, or thread, by its number.
    Child(String),
}

/// What a call came to, if it succeeded.
pub fn accesses(line: &str) -> Vec<Access> {
    let Some((name, arguments, result)) = call(line) else {
        return Vec::new();
    };
    let failed = result.starts_with('-') || result.starts_with('?');
    if failed && !result.contains("EINPROGRESS") {
        return Vec::new();
    }
    let at = |index: usize| arguments.get(index).map_or("", String::as_str);
    let has = |index, flag| at(index).split('|').any(|one| one.trim() == flag);
    let path = |modes| move |path: String| vec![Access::Path(path, modes)];
    let quoted = |index| quoted(at(index)).map(str::to_owned);
    let below = |index| named(at(index), at(index + 1));
    let rule = |words| vec![Access::Rule(words)];
    let all = |accesses: Option<Vec<Access>>| accesses.unwrap_or_default();
    match name {
        "open" | "openat" | "openat2" | "creat" => {
            let flags = if name == "open" { 1 } else { 2 };
            let slash = if has(flags, "O_DIRECTORY") { "/" } else { "" };
            let opened = behind(result).filter(|_| !has(flags, "O_PATH"));
            all(opened.map(|file| path(modes(at(flags)))(file + slash)))
        }
        "execve" => all(quoted(0).map(|program| vec![Access::Execute(program)])),
        "clone" | "clone3" | "fork" | "vfork" => vec![Access::Child(result.to_owned())],
        "mmap" if has(2, "PROT_EXEC") => all(behind(at(4)).map(path("m"))),
        "flock" => all(behind(at(0)).map(path("k"))),
        "fcntl" if at(1).contains("SETLK") => all(behind(at(0)).map(path("k"))),
        "fchmod" => all(behind(at(0)).map(path("w"))),
        "rmdir" | "mkdir" => all(quoted(0).map(|name| path("w")(name + "/"))),
        "unlink" | "mknod" | "chmod" | "truncate" => all(quoted(0).map(path("w"))),
        "unlinkat" | "mkdirat" | "mknodat" | "fchmodat" => all(below(0).map(path("w"))),
        "chown" | "lchown" | "fchown" | "fchownat" => {
            let owned = match name {
                "fchown" => behind(at(0)),
                "fchownat" => below(0),
                _ => quoted(0),
            };
            let owned = all(owned.map(path("w")));
            [owned, rule(&["capability", "chown"])].concat()
        }
        "symlink" => all(quoted(1).map(path("w"))),
        "symlinkat" => all(below(1).map(path("w"))),
        "link" => all(quoted(1).map(path("l"))),
        "linkat" => all(below(2).map(path("l"))),
        "rename" => {
            let (from, to) = (quoted(0).map(path("rw")), quoted(1).map(path("w")));
            [all(from), all(to)].concat()
        }
        "renameat" | "renameat2" => {
            let (from, to) = (below(0).map(path("rw")), below(2).map(path("w")));
            [all(from), all(to)].concat()
        }
        // A stream takes `r` besides; of which kind a socket is, is not looked for.
        "connect" => all(socket(at(1)).map(path("w"))),
        "sendto" => all(socket(at(4)).map(path("w"))),
        "sendmsg" => all(socket(at(1)).map(path("w"))),
        "bind" if at(1).contains("AF_INET") && port(at(1)) < 1024 && port(at(1)) != 0 => {
            rule(&["capability", "net_bind_service"])
        }
        "bind" => all(socket(at(1)).map(path("w"))),
        "socket" => made(at(0), at(1), at(2)),
        "setuid" | "setresuid" | "setreuid" => rule(&["capability", "setuid"]),
        "setgid" | "setresgid" | "setregid" | "setgroups" => rule(&["capability", "setgid"]),
        _ => Vec::new(),
    }
}

/// A call's name, its arguments, and what it returned.
fn call(line: &str) -> Option<(&str, Vec<String>, &str)> {
    let (name, rest) = line.split_once('(')?;
    let (inside, result) = rest.rsplit_once(" = ")?;
    let inside = inside.trim_end().strip_suffix(')')?;
    let mut arguments = vec![String::new()];
    let (mut depth, mut is_quoted, mut escaped) = (0, false, false);
    for c in inside.chars() {
        match c {
            _ if escaped => {}
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '{' | '[' | '(' | '<' => depth += 1,
            '}' | ']' | ')' | '>' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = is_quoted && !escaped && c == '\\';
        arguments.last_mut()?.push(c);
    }
    let trimmed = arguments.iter().map(|one| one.trim().to_owned());
    Some((name, trimmed.collect(), result))
}

/// The file behind a descriptor.
fn behind(descriptor: &str) -> Option<String> {
    let (_, path) = descriptor.split_once('<')?;
    let path = path.rsplit_once('>')?.0;
    let path = path.trim_end_matches(" (deleted)");
    let is_file = path.starts_with('/') && !path.starts_with("/memfd:");
    is_file.then(|| path.to_owned())
}

fn quoted(argument: &str) -> Option<&str> {
    argument.strip_prefix('"')?.strip_suffix('"')
}

/// A path below the directory behind a descriptor.
fn named(directory: &str, path: &str) -> Option<String> {
    let path = quoted(path)?;
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    Some(format!("{}/{path}", behind(directory)?))
}

/// The path of a socket's address.
fn socket(address: &str) -> Option<String> {
    let (_, path) = address.split_once("sun_path=\"")?;
    Some(path.split_once('"')?.0.to_owned())
}

fn port(address: &str) -> u16 {
    let port = address
        .split_once("htons(")
        .and_then(|(_, port)| port.split_once(')'));
    port.and_then(|(port, _)| port.parse().ok()).unwrap_or(0)
}

/// What a file is opened for.
fn modes(flags: &str) -> &'static str {
    let has = |flag| flags.contains(flag);
    match (has("O_RDWR"), has("O_WRONLY"), has("O_CREAT")) {
        (true, ..) | (false, false, true) => "rw",
        (_, true, _) if has("O_APPEND") => "a",
        (_, true, _) => "w",
        _ => "r",
    }
}

fn made(family: &str, kind: &str, protocol: &str) -> Vec<Access> {
    let mut rules: Vec<&'static [&'static str]> = Vec::new();
    let is = |text: &str| kind.starts_with(text);
    match family {
        "AF_INET" if is("SOCK_STREAM") => rules.push(&["network", "inet", "stream"]),
        "AF_INET" => rules.push(&["network", "inet", "dgram"]),
        "AF_INET6" if is("SOCK_STREAM") => rules.push(&["network", "inet6", "stream"]),
        "AF_INET6" => rules.push(&["network", "inet6", "dgram"]),
        "AF_NETLINK" => rules.push(&["network", "netlink", "raw"]),
        // AppArmor's `unix` rules are in abstractions/base.
        "AF_UNIX" => {}
        other => panic!("a socket of {other}"),
    }
    if protocol == "NETLINK_AUDIT" {
        rules.push(&["capability", "audit_write"]);
    }
    rules.into_iter().map(Access::Rule).collect()
}

/// By the number of each process: its lines.
pub type Trace = BTreeMap<String, Vec<String>>;

#[test]
fn a_call_asks_for_what_it_does() {
    let path = |path: &str, modes| vec![Access::Path(path.to_owned(), modes)];
    for (line, expected) in [
        (
            "openat(AT_FDCWD</root>, \"/lib/a, b\", O_RDONLY|O_CLOEXEC) = 3</usr/lib/a, b>",
            path("/usr/lib/a, b", "r"),
        ),
        (
            "openat(AT_FDCWD</>, \"/x\", O_RDONLY) = -1 ENOENT (No such file)",
            vec![],
        ),
        (
            "openat(AT_FDCWD</>, \"/x\", O_RDONLY|O_PATH) = 3</x>",
            vec![],
        ),
        (
            "openat(3</var>, \"x\", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 4</var/x>",
            path("/var/x", "rw"),
        ),
        (
            "openat(3</var>, \"x\", O_WRONLY|O_CREAT|O_APPEND, 0600) = 4</var/x>",
            path("/var/x", "a"),
        ),
        ("unlinkat(3</var>, \"x\", 0)       = 0", path("/var/x", "w")),
        (
            "rename(\"/etc/nshadow\", \"/etc/shadow\") = 0",
            [path("/etc/nshadow", "rw"), path("/etc/shadow", "w")].concat(),
        ),
        (
            "mmap(NULL, 1, PROT_READ|PROT_EXEC, MAP_PRIVATE, 3</usr/lib/x.so>, 0) = 0x7f",
            path("/usr/lib/x.so", "m"),
        ),
        (
            "mmap(NULL, 1, PROT_READ, MAP_PRIVATE, 3</usr/lib/x.so>, 0) = 0x7f",
            vec![],
        ),
        (
            "fcntl(4</etc/.pwd.lock>, F_SETLKW, {l_type=F_WRLCK, l_start=0}) = 0",
            path("/etc/.pwd.lock", "k"),
        ),
        (
            "connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path=\"/dev/log\"}, 110) = 0",
            path("/dev/log", "w"),
        ),
        (
            "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_AUDIT) = 3<socket:[1]>",
            vec![
                Access::Rule(&["network", "netlink", "raw"]),
                Access::Rule(&["capability", "audit_write"]),
            ],
        ),
        (
            "bind(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(443), sin_addr=x}, 16) = 0",
            vec![Access::Rule(&["capability", "net_bind_service"])],
        ),
        (
            "execve(\"/bin/sh\", [\"sh\", \"-c\", \"a = (b\"], 0x7ffd /* 9 vars */) = 0",
            vec![Access::Execute("/bin/sh".to_owned())],
        ),
        (
            "sendto(3<socket:[1]>, \"x\", 1, 0, {sa_family=AF_UNIX, sun_path=\"/a\"}, 5) = 1",
            path("/a", "w"),
        ),
        (
            "clone(child_stack=NULL, flags=SIGCHLD) = 42",
            vec![Access::Child("42".to_owned())],
        ),
        ("+++ exited with 0 +++", vec![]),
    ] {
        assert_eq!(accesses(line), expected, "{line}");
    }
}
