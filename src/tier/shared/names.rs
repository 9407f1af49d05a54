//! Under which names things are kept, and which shard of the clock a slot belongs to.

/// The names of one namespace. Those of two namespaces never meet: a namespace has no colon.
pub(super) struct Names {
    namespace: String,
    entries: String,
    claims: String,
    shards: Vec<Shard>,
}

struct Shard {
    clock: String,
    channel: String,
}

impl Names {
    /// Names for a clock in so many shards. Channels, unlike keys, are shared by all databases of a server: they bear the
    /// number of theirs.
    pub(super) fn new(namespace: &str, shards: usize, database: i64) -> Self {
        Self {
            namespace: namespace.to_owned(),
            entries: format!("{namespace}:e:"),
            claims: format!("{namespace}:l:"),
            shards: (0..shards)
                .map(|shard| Shard {
                    // The braces put what belongs to one shard on one server of a cluster.
                    clock: format!("{namespace}:{{{shard}}}:clock"),
                    channel: format!("{namespace}:{{{shard}}}:push:{database}"),
                })
                .collect(),
        }
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn entry(&self, key: &str) -> String {
        [&self.entries, key].concat()
    }

    pub(super) fn claim(&self, key: &str) -> String {
        [&self.claims, key].concat()
    }

    pub(super) fn shards(&self) -> usize {
        self.shards.len()
    }

    pub(super) fn shard_of(&self, slot: u16) -> usize {
        usize::from(slot) % self.shards.len()
    }

    pub(super) fn clock(&self, shard: usize) -> &str {
        &self.shards[shard].clock
    }

    pub(super) fn channel(&self, shard: usize) -> &str {
        &self.shards[shard].channel
    }

    pub(super) fn shard_of_channel(&self, channel: &[u8]) -> Option<usize> {
        self.shards
            .iter()
            .position(|shard| shard.channel.as_bytes() == channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_one_shard_and_every_shard_some_slots() {
        let names = Names::new("app", 16, 0);
        let mut slots = vec![0; names.shards()];
        for slot in 0..=u16::MAX {
            slots[names.shard_of(slot)] += 1;
        }
        assert_eq!(slots, vec![4096; 16]);
    }

    #[test]
    fn a_channel_leads_back_to_its_shard_and_not_to_that_of_another_database() {
        let names = Names::new("app", 2, 3);
        assert_eq!(names.shard_of_channel(names.channel(1).as_bytes()), Some(1));
        let other = Names::new("app", 2, 4);
        assert_eq!(names.shard_of_channel(other.channel(1).as_bytes()), None);
    }
}
