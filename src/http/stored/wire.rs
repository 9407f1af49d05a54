//! A kept response as bytes.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

use super::{OnceStale, StoredResponse};

/// Names what is written here. Another form needs another name.
pub(super) const FORM: &str = "cachedpool response 1";

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    status: u16,
    #[serde(borrow)]
    headers: Vec<(&'a str, Octets<'a>)>,
    #[serde(borrow)]
    body: Option<Octets<'a>>,
    /// Nanoseconds; none for no limit.
    fresh_at_most: Option<u64>,
    age: u64,
    stands_in: bool,
}

/// Bytes as bytes and not as a list of numbers.
struct Octets<'a>(&'a [u8]);

impl Serialize for StoredResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let headers = self.headers.iter();
        Wire {
            status: self.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.as_str(), Octets(value.as_bytes())))
                .collect(),
            body: self.body.as_deref().map(Octets),
            fresh_at_most: u64::try_from(self.fresh_at_most.as_nanos()).ok(),
            age: self.age.as_secs(),
            stands_in: self.once_stale == OnceStale::AsThePolicySays,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoredResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let mut headers = HeaderMap::with_capacity(wire.headers.len());
        for (name, value) in wire.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).map_err(D::Error::custom)?,
                HeaderValue::from_bytes(value.0).map_err(D::Error::custom)?,
            );
        }
        Ok(Self {
            status: StatusCode::from_u16(wire.status).map_err(D::Error::custom)?,
            headers,
            body: wire.body.map(|body| Bytes::copy_from_slice(body.0)),
            fresh_at_most: wire
                .fresh_at_most
                .map_or(Duration::MAX, Duration::from_nanos),
            age: Duration::from_secs(wire.age),
            once_stale: if wire.stands_in {
                OnceStale::AsThePolicySays
            } else {
                OnceStale::Never
            },
        })
    }
}

impl Serialize for Octets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Octets<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Octets<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Octets<'de>, E> {
                Ok(Octets(bytes))
            }
        }
        deserializer.deserialize_bytes(Borrowed)
    }
}
