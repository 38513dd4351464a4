//! Peers, from their published semantics, in their default and in tuned settings; each looks at every judged window.

mod controllers;
mod kayenta;
mod z_test;

use crate::cell::Cell;
use crate::observed::Observed;
use crate::replicate::Ending;

/// A judge beside Davy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Kayenta's judge with its defaults, first asked after five windows: any shift upwards fails.
    Kayenta,
    /// The same with `allowedIncrease` and `criticalIncrease` at the tolerance, and every metric critical.
    KayentaTuned,
    /// Argo Rollouts: the ratio of the arms against 1 + tolerance, `failureLimit: 0`.
    Argo,
    /// The same against a wider limit (1.25 of latency, 2 of errors), `failureLimit: 3`.
    ArgoTuned,
    /// Flagger: the canary against an absolute limit at nominal × (1 + tolerance), `threshold: 5`.
    Flagger,
    /// The same at 1.5 × nominal (errors: .5 %).
    FlaggerTuned,
    /// A one-sided z-test of any difference, p < .01, at every look.
    ZTest,
    /// The same against the tolerance, with the level divided by the number of looks.
    ZTestTuned,
}

const ALL: [Peer; 8] =
    [Peer::Kayenta, Peer::KayentaTuned, Peer::Argo, Peer::ArgoTuned, Peer::Flagger, Peer::FlaggerTuned, Peer::ZTest, Peer::ZTestTuned];

/// The peers that judge a cell.
pub fn of(_cell: &Cell) -> &'static [Peer] {
    &ALL
}

/// The peer of a name.
pub fn named(name: &str) -> Option<Peer> {
    ALL.into_iter().find(|peer| peer.name() == name)
}

impl Peer {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Kayenta => "kayenta",
            Peer::KayentaTuned => "kayenta tuned",
            Peer::Argo => "argo",
            Peer::ArgoTuned => "argo tuned",
            Peer::Flagger => "flagger",
            Peer::FlaggerTuned => "flagger tuned",
            Peer::ZTest => "z-test",
            Peer::ZTestTuned => "z-test tuned",
        }
    }

    /// Whether these are its default settings.
    pub fn is_default(self) -> bool {
        matches!(self, Peer::Kayenta | Peer::Argo | Peer::Flagger | Peer::ZTest)
    }

    /// Whether it fails a canary for any difference, however small: it is comparable with a tolerance of 0 only.
    pub fn tolerates_nothing(self) -> bool {
        matches!(self, Peer::Kayenta | Peer::ZTest)
    }

    /// Judges a replicate. What is not failed by the last window is promoted then: none of them knows a third answer.
    pub fn judge(self, cell: &Cell, metrics: &[Observed]) -> Ending {
        let failed = match self {
            Peer::Kayenta => kayenta::first_failure(metrics, &kayenta::default_settings()),
            Peer::KayentaTuned => kayenta::first_failure(metrics, &kayenta::tuned_settings(cell.tolerance())),
            Peer::Argo => controllers::ratio(metrics, 1.0 + cell.tolerance(), 0),
            Peer::ArgoTuned => controllers::ratio(metrics, if is_errors(cell) { 2.0 } else { 1.25 }, 3),
            Peer::Flagger => controllers::absolute(metrics, 1.0 + cell.tolerance(), 5),
            Peer::FlaggerTuned => controllers::absolute(metrics, if is_errors(cell) { 5.0 } else { 1.5 }, 5),
            Peer::ZTest => z_test::first_failure(metrics, 0.0, 0.01),
            Peer::ZTestTuned => {
                z_test::first_failure(metrics, cell.ln_tolerance(), 0.01 / metrics.first().map_or(1, Observed::windows) as f64)
            }
        };
        match (failed, metrics.first()) {
            (Some(window), _) => Ending::Rollback(window),
            (None, Some(metric)) => Ending::Promote(metric.windows()),
            (None, None) => Ending::Hold,
        }
    }
}

fn is_errors(cell: &Cell) -> bool {
    cell.metric == crate::cell::Metric::Errors
}
