//! Which server keeps what.

use redis::{ConnectionAddr, Value};

use super::{fault::Fault, links::number};

/// The servers of one moment, and the keys that each of them keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) servers: Vec<ConnectionAddr>,
    /// The last of the cluster's slots in each stretch and the server that keeps it, in order. Empty if there is one server.
    stretches: Vec<(u16, usize)>,
}

/// A cluster has so many slots.
const SLOTS: u16 = 16384;

impl Map {
    pub(super) fn of_one(server: ConnectionAddr) -> Self {
        Self {
            servers: vec![server],
            stretches: Vec::new(),
        }
    }

    /// Reads the answer of CLUSTER SLOTS that `asked` has given.
    pub(super) fn of_cluster(answer: &Value, asked: &ConnectionAddr) -> Result<Self, Fault> {
        let Value::Array(rows) = answer else {
            return Err(Fault::nonsense("CLUSTER SLOTS"));
        };
        let mut stretches = rows
            .iter()
            .map(|row| stretch(row, asked))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Fault::nonsense("CLUSTER SLOTS"))?;
        stretches.sort_by_key(|stretch| stretch.0);
        let mut map = Self {
            servers: Vec::new(),
            stretches: Vec::new(),
        };
        let mut next = 0;
        for (first, last, server) in stretches {
            if first != next {
                break;
            }
            next = last + 1;
            let known = map.servers.iter().position(|other| *other == server);
            let index = known.unwrap_or_else(|| {
                map.servers.push(server);
                map.servers.len() - 1
            });
            map.stretches.push((last, index));
        }
        if next != SLOTS {
            return Err(Fault::broken("the Redis Cluster does not cover all slots"));
        }
        Ok(map)
    }

    /// The server that keeps the key, by its place among the servers.
    pub(super) fn owner(&self, key: &str) -> usize {
        if self.stretches.is_empty() {
            return 0;
        }
        let slot = slot(key.as_bytes());
        let stretch = self.stretches.partition_point(|&(last, _)| last < slot);
        self.stretches[stretch].1
    }
}

/// First and last slot, and the master: `[first, last, [host, port, …], replicas…]`.
fn stretch(row: &Value, asked: &ConnectionAddr) -> Option<(u16, u16, ConnectionAddr)> {
    let Value::Array(row) = row else { return None };
    let [first, last, Value::Array(master), ..] = &row[..] else {
        return None;
    };
    let [host, port, ..] = &master[..] else {
        return None;
    };
    let slot = |value| {
        u16::try_from(number(value)?)
            .ok()
            .filter(|&slot| slot < SLOTS)
    };
    let host = match host {
        Value::BulkString(host) => std::str::from_utf8(host).ok()?,
        Value::Nil => "",
        _ => return None,
    };
    let server = at(asked, host, u16::try_from(number(port)?).ok()?);
    Some((slot(first)?, slot(last)?, server))
}

/// Another server that is reached in the way of a known one.
pub(super) fn at(known: &ConnectionAddr, host: &str, port: u16) -> ConnectionAddr {
    let mut other = known.clone();
    if let ConnectionAddr::Tcp(own, own_port)
    | ConnectionAddr::TcpTls {
        host: own,
        port: own_port,
        ..
    } = &mut other
    {
        *own_port = port;
        // A server that does not know its name means the one by which it was asked.
        if !host.is_empty() && host != "?" {
            host.clone_into(own);
        }
    }
    other
}

/// The slot of a key: that of the part in braces, if there is one, so that keys can be kept together.
fn slot(key: &[u8]) -> u16 {
    let position = |bytes: &[u8], brace| bytes.iter().position(|&byte| byte == brace);
    let tag = position(key, b'{').and_then(|open| {
        let rest = &key[open + 1..];
        Some(&rest[..position(rest, b'}')?]).filter(|tag| !tag.is_empty())
    });
    checksum(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, as the Redis Cluster specification asks for.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ (u16::from(byte) << 8), |sum, _| {
            (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: i64, last: i64, host: &str, port: i64) -> Value {
        let master = vec![Value::BulkString(host.into()), Value::Int(port)];
        Value::Array(vec![
            Value::Int(first),
            Value::Int(last),
            Value::Array(master),
        ])
    }

    fn asked() -> ConnectionAddr {
        ConnectionAddr::Tcp("seed".to_owned(), 1)
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(checksum(b"123456789"), 0x31c3);
        // As CLUSTER KEYSLOT answers.
        assert_eq!(slot(b"foo"), 12182);
        assert_eq!(slot(b"app:{foo}:clock"), 12182);
        assert_ne!(slot(b"app:{}foo"), slot(b"foo"));
    }

    #[test]
    fn each_key_has_the_server_of_its_stretch() {
        let rows = vec![
            row(8192, 16383, "b", 7),
            row(0, 4000, "a", 6),
            row(4001, 8191, "", 5),
        ];
        let map = Map::of_cluster(&Value::Array(rows), &asked()).unwrap();
        let names: Vec<String> = map.servers.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a:6", "seed:5", "b:7"]);
        assert_eq!(map.owner("foo"), 2);
        for (slot, server) in [
            (0, 0),
            (4000, 0),
            (4001, 1),
            (8191, 1),
            (8192, 2),
            (16383, 2),
        ] {
            let stretch = map.stretches.partition_point(|&(last, _)| last < slot);
            assert_eq!(map.stretches[stretch].1, server, "{slot}");
        }
    }

    #[test]
    fn a_cluster_with_a_gap_is_not_used() {
        for rows in [
            vec![],
            vec![row(1, 16383, "a", 6)],
            vec![row(0, 16382, "a", 6)],
            vec![row(0, 5, "a", 6), row(7, 16383, "a", 6)],
            vec![row(0, 16384, "a", 6)],
        ] {
            assert!(Map::of_cluster(&Value::Array(rows), &asked()).is_err());
        }
    }
}
