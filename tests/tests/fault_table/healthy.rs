//! What a healthy Prometheus answers about two equal versions of four pods each, and what it may lack.

use davy_tests::double::{Asked, Reply, http};

/// Seconds between two scrapes.
const SCRAPE: f64 = 0.5;
const PODS: usize = 4;

/// Times are seconds since the epoch.
#[derive(Debug, Clone, Default)]
pub struct Healthy {
    /// From then on every second pod sends nothing.
    pub half_since: Option<f64>,
    /// From then on every value is NaN.
    pub nan_since: Option<f64>,
    /// Nothing was scraped in between.
    pub gap: Option<(f64, f64)>,
    /// The canary's series end then.
    pub canary_until: Option<f64>,
    /// How far the server's clock is behind.
    pub clock_behind: f64,
}

impl Healthy {
    /// With the server's own time.
    pub fn reply(&self, asked: &Asked) -> Reply {
        let now = super::now() - self.clock_behind;
        http("200 OK", &format!("content-type: application/json\r\ndate: {}\r\n", http_date(now)), &self.answer(asked))
    }

    /// Requests and, of them, 1 % failures; raw samples for a range selector, nothing for any other question.
    pub fn answer(&self, asked: &Asked) -> String {
        let result =
            |series: &[String]| format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, series.join(","));
        let Some((range, end)) = range_and_end(asked) else { return result(&[]) };
        let newest = super::now() - self.clock_behind;
        let first = ((end - range) / SCRAPE).floor() as i64 + 1;
        let last = ((if end < newest { end } else { newest }) / SCRAPE).floor() as i64;
        let mut series = Vec::new();
        for version in ["v1", "v2"] {
            for pod in 0..PODS {
                for (code, per_scrape) in [("200", 990), ("500", 10)] {
                    let points: Vec<String> = (first..=last)
                        .filter(|scrape| !self.lacks(version, pod, *scrape as f64 * SCRAPE))
                        .map(|scrape| self.point(version, pod, per_scrape, scrape))
                        .collect();
                    if !points.is_empty() {
                        let labels =
                            format!(r#""__name__":"http_requests_total","version":"{version}","code":"{code}","pod":"{version}-{pod}""#);
                        series.push(format!(r#"{{"metric":{{{labels}}},"values":[{}]}}"#, points.join(",")));
                    }
                }
            }
        }
        result(&series)
    }

    fn point(&self, version: &str, pod: usize, per_scrape: i64, scrape: i64) -> String {
        let time = scrape as f64 * SCRAPE;
        if self.nan_since.is_some_and(|since| time > since) {
            return format!(r#"[{time},"NaN"]"#);
        }
        // A ripple, different for each pod: signals without any noise would be no measurement.
        let shift = (version.len() + version.as_bytes().last().map_or(0, |last| usize::from(*last)) + 5 * pod) as i64;
        let ripple = (scrape + shift) % 7 % 3 * per_scrape / 4;
        format!(r#"[{time},"{}"]"#, (scrape % 10_000_000) * per_scrape + ripple)
    }

    fn lacks(&self, version: &str, pod: usize, time: f64) -> bool {
        let after = |since: Option<f64>| since.is_some_and(|since| time > since);
        (after(self.half_since) && pod.is_multiple_of(2))
            || (version == "v2" && after(self.canary_until))
            || self.gap.is_some_and(|(from, to)| from < time && time <= to)
    }
}

/// Of `metric{…}[RANGEs]` or `[RANGEms]` at a time.
fn range_and_end(asked: &Asked) -> Option<(f64, f64)> {
    let (_, range) = asked.field("query").rsplit_once('[')?;
    let range = range.strip_suffix(']')?;
    let range = match range.strip_suffix("ms") {
        Some(milliseconds) => milliseconds.parse::<f64>().ok()? / 1000.0,
        None => range.strip_suffix('s')?.parse().ok()?,
    };
    Some((range, asked.field("time").parse().ok()?))
}

/// `Tue, 24 Nov 2026 08:05:48 GMT`, as HTTP has it.
fn http_date(time: f64) -> String {
    let time = jiff::Timestamp::from_second(time as i64).expect("a time of our days");
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).expect("a year of four digits")
}
