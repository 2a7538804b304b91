//! Where in a trace something happened, as it travels from process to process.

use std::fmt;

/// A step of a trace: what follows from it is its child. As W3C Trace Context writes it, `00-<trace>-<step>-<flags>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: u128,
    step: u64,
    is_sampled: bool,
}

impl TraceParent {
    /// A step of a trace, unless one of the two is zero, which names none.
    pub fn new(trace: u128, step: u64, is_sampled: bool) -> Option<Self> {
        (trace != 0 && step != 0).then_some(Self { trace, step, is_sampled })
    }

    /// Reads the header `traceparent` of W3C Trace Context. What later versions append is left out, as it says.
    pub fn parse(raw: &str) -> Option<Self> {
        let mut parts = raw.trim().split('-');
        let (version, trace, step, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_known = version == "00" && parts.next().is_none();
        let is_later = version != "00" && version != "ff" && hexadecimal(version, 2).is_some();
        if !is_known && !is_later {
            return None;
        }
        let flags = hexadecimal(flags, 2)?;
        let step = u64::try_from(hexadecimal(step, 16)?).ok()?;
        Self::new(hexadecimal(trace, 32)?, step, flags & 1 == 1)
    }

    /// Reads the header `X-Amzn-Trace-Id` of AWS X-Ray: `Root=1-<8>-<24>;Parent=<16>;Sampled=1`. A load balancer that
    /// begins a trace names no parent, and leaves what is sampled to us: then this is no step to continue from.
    pub fn parse_x_ray(raw: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut fields = raw.split(';').filter_map(|it| it.trim().split_once('='));
            fields.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let (time, rest) = value("Root")?.strip_prefix("1-")?.split_once('-')?;
        let trace = hexadecimal(time, 8)? << 96 | hexadecimal(rest, 24)?;
        let step = u64::try_from(hexadecimal(value("Parent")?, 16)?).ok()?;
        Self::new(trace, step, value("Sampled") == Some("1"))
    }

    /// The same as AWS X-Ray writes it, for `X-Amzn-Trace-Id` and the `TraceHeader` of an EventBridge entry.
    pub fn to_x_ray(self) -> String {
        let Self { trace, step, is_sampled } = self;
        let (time, rest) = (trace >> 96, trace & ((1 << 96) - 1));
        format!("Root=1-{time:08x}-{rest:024x};Parent={step:016x};Sampled={}", u8::from(is_sampled))
    }

    /// The trace.
    pub fn trace(self) -> u128 {
        self.trace
    }

    /// The step in it.
    pub fn step(self) -> u64 {
        self.step
    }

    /// Whether the trace is kept by whoever collects them.
    pub fn is_sampled(self) -> bool {
        self.is_sampled
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, step, is_sampled } = *self;
        write!(f, "00-{trace:032x}-{step:016x}-{:02x}", u8::from(is_sampled))
    }
}

/// Digits of which there are as many as there have to be, in lower case.
fn hexadecimal(raw: &str, digits: usize) -> Option<u128> {
    let is_written_so = raw.len() == digits && raw.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    is_written_so.then(|| u128::from_str_radix(raw, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const X_RAY: &str = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";

    #[test]
    fn both_headers_name_the_same_step() {
        let step = TraceParent::parse(W3C).expect("a step");

        assert_eq!((step.to_string().as_str(), step.to_x_ray().as_str()), (W3C, X_RAY));
        assert_eq!(TraceParent::parse_x_ray(X_RAY), Some(step));
        assert_eq!((step.trace(), step.step()), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
        assert!(step.is_sampled());
        let not_sampled = W3C.replace("-01", "-00");
        assert_eq!(TraceParent::parse(&not_sampled).map(TraceParent::is_sampled), Some(false));
    }

    #[test]
    fn what_a_later_version_appends_is_left_out() {
        let later = W3C.replacen("00", "01", 1) + "-more";

        assert_eq!(TraceParent::parse(&later), TraceParent::parse(W3C));
    }

    #[test]
    fn anything_else_is_no_step() {
        for raw in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(raw), None, "{raw}");
        }
        for raw in ["", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736", "Self=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=1"]
        {
            assert_eq!(TraceParent::parse_x_ray(raw), None, "{raw}");
        }
    }
}
