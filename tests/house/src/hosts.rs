//! What a public repository must not tell: paths of somebody's machine, and hosts that are not everybody's.
//!
//! Hosts of this machine pass, and those under ".example", which RFC 2606 (section 2) keeps for documentation.

use crate::exceptions::Exceptions;

/// Beginnings of absolute paths that exist on one machine only.
const MACHINE: [&str; 5] = ["/home/", "/root/", "/Users/", "/work/", "/mnt/"];

/// Machine paths, and addresses whose host is not on the list, in one file.
#[must_use]
pub fn findings(path: &str, text: &str, hosts: &Exceptions) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut report = |what: &str| findings.push(format!("{path}:{}: {what}", number + 1));
        for start in MACHINE {
            if line
                .match_indices(start)
                .any(|(at, _)| begins_path(line, at))
            {
                report(&format!("a path of one machine: {start}…"));
            }
        }
        for host in line
            .match_indices("://")
            .filter_map(|(at, _)| host(&line[at + 3..]))
        {
            if !everybodys(host) && !hosts.contains(host) {
                report(&format!("a host that is not on the list: {host}"));
            }
        }
    }
    findings
}

/// Whether an absolute path starts here, and no middle of a longer one or of an address.
fn begins_path(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-$}/*~".contains(c))
}

fn everybodys(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost") || host.ends_with(".example") || host == "example"
}

/// The host of what stands behind `://`; nothing where it is made up at run time.
fn host(rest: &str) -> Option<&str> {
    let authority = rest
        .split(|c: char| c.is_whitespace() || "/?#\"'`<>)],;\\".contains(c))
        .next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host
        .split_once(':')
        .map_or(host, |(host, _)| host)
        .trim_end_matches('.');
    (!host.is_empty() && !host.contains(['{', '}', '$', '…', '*', '(', '%'])).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(line: &str) -> usize {
        findings(
            "f",
            line,
            &Exceptions::parse("hosts", "docs.rs # public\n").unwrap(),
        )
        .len()
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for start in MACHINE {
            assert_eq!(count(&format!("see {start}somebody/notes")), 1, "{start}");
        }
    }

    #[test]
    fn a_host_that_is_not_on_the_list_is_found() {
        assert_eq!(
            count("index = \"https://mirror.corp.internal:8443/simple\""),
            1
        );
        assert_eq!(
            count("postgres://user:word@db.corp.internal/app and http://docs.rs.evil.org"),
            2
        );
    }

    #[test]
    fn listed_hosts_and_addresses_made_at_run_time_pass() {
        assert_eq!(
            count(
                "https://docs.rs/sqlx redis://127.0.0.1:6379 redis://{address} https://app.example/x sqlite://{}?mode=rwc sqlite:///x"
            ),
            0
        );
        assert_eq!(count("a/home/b $ROOT/root/x ./work/y"), 0);
    }
}
