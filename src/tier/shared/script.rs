//! The scripts: what they are, and how one is called.

use std::sync::LazyLock;

use redis::Cmd;

macro_rules! on_the_clock {
    ($file:literal) => {
        LazyLock::new(|| Script::new(concat!(include_str!("lua/clock.lua"), include_str!($file))))
    };
}

pub(super) static STEP: LazyLock<Script> = on_the_clock!("lua/step.lua");
pub(super) static HOLD: LazyLock<Script> = on_the_clock!("lua/hold.lua");
pub(super) static HEAL: LazyLock<Script> = on_the_clock!("lua/heal.lua");
pub(super) static BEAT: LazyLock<Script> = on_the_clock!("lua/beat.lua");
pub(super) static VOUCH: LazyLock<Script> = on_the_clock!("lua/vouch.lua");
pub(super) static VOUCHED: LazyLock<Script> = on_the_clock!("lua/vouched.lua");
pub(super) static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/release.lua")));

/// A script that Redis runs as one step.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self {
            text,
            hash: redis::Script::new(text).get_hash().to_owned(),
        }
    }

    /// The call by hash, for a server that knows the script.
    pub(super) fn by_hash(&self, key: &str) -> Cmd {
        Self::call("EVALSHA", &self.hash, key)
    }

    /// The call by text, after which the server knows it. Not SCRIPT LOAD, which would be one more permission to ask for.
    pub(super) fn by_text(&self, key: &str) -> Cmd {
        Self::call("EVAL", self.text, key)
    }

    fn call(command: &str, script: &str, key: &str) -> Cmd {
        let mut call = redis::cmd(command);
        call.arg(script).arg(1).arg(key);
        call
    }
}
