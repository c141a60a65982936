//! The patterns of apparmor.d(5), which are not the shell's.

/// Whether a path is one of those that the pattern means, which has no variables any more.
pub fn matches(pattern: &str, path: &str) -> bool {
    let literal = pattern.split(['*', '?', '[', '{', '\\']).next();
    if !literal.is_some_and(|literal| path.starts_with(literal)) {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    alternatives(&pattern)
        .iter()
        .any(|pattern| is_match(pattern, &path, '\0'))
}

/// The patterns without braces that one with braces stands for.
fn alternatives(pattern: &[char]) -> Vec<Vec<char>> {
    let Some(open) = pattern.iter().position(|c| *c == '{') else {
        return vec![pattern.to_vec()];
    };
    let (before, rest) = pattern.split_at(open);
    let mut depth = 0;
    let mut options = vec![Vec::new()];
    for (index, c) in rest.iter().enumerate() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        let last = options.last_mut().expect("one");
        match (c, depth) {
            ('{', 1) => {}
            (',', 1) => options.push(Vec::new()),
            (_, 0) => {
                let after = rest.split_at(index + 1).1;
                let whole = |option: Vec<char>| [before, &option, after].concat();
                let options = options.into_iter().map(whole);
                return options.flat_map(|option| alternatives(&option)).collect();
            }
            _ => last.push(*c),
        }
    }
    panic!("a brace is open in {pattern:?}");
}

fn is_match(pattern: &[char], path: &[char], previous: char) -> bool {
    match pattern {
        [] => path.is_empty(),
        ['*', rest @ ..] => {
            let (deep, rest) = match rest {
                ['*', rest @ ..] => (true, rest),
                _ => (false, rest),
            };
            // A whole component has a name.
            let whole = previous == '/' && matches!(rest, [] | ['/', ..]);
            let least = usize::from(whole);
            let most = path
                .iter()
                .enumerate()
                .position(|(index, c)| *c == '/' && (!deep || whole && index == 0));
            let most = most.unwrap_or(path.len());
            (least..=most).any(|count| is_match(rest, path.split_at(count).1, '*'))
        }
        ['?', rest @ ..] => match path {
            [c, path @ ..] => *c != '/' && is_match(rest, path, *c),
            [] => false,
        },
        ['[', rest @ ..] => {
            let end = rest.iter().position(|c| *c == ']').expect("a class ends");
            let (class, rest) = rest.split_at(end);
            match path {
                [c, path @ ..] => is_of(class, *c) && is_match(rest.split_at(1).1, path, *c),
                [] => false,
            }
        }
        ['\\', c, rest @ ..] | [c, rest @ ..] => match path {
            [first, path @ ..] => first == c && is_match(rest, path, *first),
            [] => false,
        },
    }
}

fn is_of(class: &[char], c: char) -> bool {
    let (not, mut class) = match class {
        ['^', class @ ..] => (true, class),
        _ => (false, class),
    };
    let mut is = false;
    while let [first, rest @ ..] = class {
        class = match rest {
            ['-', last, rest @ ..] => {
                is |= (*first..=*last).contains(&c);
                rest
            }
            _ => {
                is |= *first == c;
                rest
            }
        };
    }
    is != not && c != '/'
}

#[test]
fn a_pattern_means_what_the_manual_says() {
    for (pattern, path, expected) in [
        ("/etc/passwd", "/etc/passwd", true),
        ("/etc/passwd", "/etc/passwd-", false),
        ("/etc/*", "/etc/passwd", true),
        ("/etc/*", "/etc/", false),
        ("/etc/*", "/etc/pam.d/su", false),
        ("/etc/*/", "/etc/pam.d/", true),
        ("/etc/*/", "/etc//", false),
        ("/etc/*/", "/etc/pam.d", false),
        ("/etc/**", "/etc/pam.d/su", true),
        ("/etc/**", "/etc/pam.d/", true),
        ("/etc/**", "/etc/", false),
        ("/etc/shadow*", "/etc/shadow", true),
        ("/etc/shadow*", "/etc/shadow/", false),
        ("/a/**.so", "/a/b/c.so", true),
        ("/a/**.so", "/a/b/c.so.1", false),
        ("/etc/{passwd,shadow}{,-,+}", "/etc/shadow-", true),
        ("/etc/{passwd,shadow}{,-,+}", "/etc/group", false),
        ("/{usr/,}lib{,32,64}/**", "/lib64/x", true),
        ("/{usr/,}lib{,32,64}/**", "/usr/lib/x/y", true),
        ("/{a,b{c,d}}/e", "/bd/e", true),
        ("/{a,b{c,d}}/e", "/b/e", false),
        ("/proc/[1-9]{[0-9],}/fd/", "/proc/42/fd/", true),
        ("/proc/[1-9]{[0-9],}/fd/", "/proc/self/fd/", false),
        ("/a/[^xy]", "/a/z", true),
        ("/a/[^xy]", "/a/x", false),
        ("/a/?", "/a/b", true),
        ("/a/?", "/a/", false),
    ] {
        assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
    }
}
