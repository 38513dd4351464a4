//! The same answers by the shortest code: every exponential, every block, every number of a generic tree by itself.

use std::collections::BTreeMap;

use davy_judge::constants::{BETS, BLOCKS, BLOCKS_NEEDED_PER_WINDOW, CLIPS, LEVEL_CLIP, MAD_TO_SD, UNSEEN, VARIANCE_MARGIN};
use davy_judge::evidence::Side;
use davy_judge::noise::NoiseProfile;
use davy_sources::prometheus::decode_matrix;
use serde_json::Value;

/// Roughly normal numbers from a seed: sums of twelve uniform ones.
pub fn normal(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

/// A profile in plain numbers: dependence per clip, and per side, clip and bet the log moment generating function.
pub struct Plain {
    /// Per clip.
    dependence: Vec<f64>,
    /// Side, clip, bet.
    log_mgf: [Vec<Vec<f64>>; 2],
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { sorted[half - 1].midpoint(sorted[half]) }
}

/// Learns from rows as `judge.py` says it, word by word.
pub fn profile(rows: &[Vec<f64>]) -> Plain {
    let values: Vec<f64> = rows.iter().flatten().copied().collect();
    let centre = middle(&values);
    let scale = MAD_TO_SD * middle(&values.iter().map(|value| (value - centre).abs()).collect::<Vec<_>>());
    let near = |value: &f64| centre + (value - centre).clamp(-LEVEL_CLIP * scale, LEVEL_CLIP * scale);
    let level = values.iter().map(near).sum::<f64>() / values.len() as f64;
    let scores: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|value| (value - level) / scale).collect()).collect();
    let mut plain = Plain { dependence: Vec::new(), log_mgf: [Vec::new(), Vec::new()] };
    for cut in CLIPS {
        let clipped: Vec<Vec<f64>> = scores.iter().map(|row| row.iter().map(|score| score.clamp(-cut, cut)).collect()).collect();
        let dependence = dependence(&clipped, values.len());
        plain.dependence.push(dependence);
        let bets: Vec<f64> = BETS.iter().copied().chain(BETS.iter().map(|bet| bet / dependence)).collect();
        let all: Vec<f64> = clipped.iter().flatten().copied().collect();
        for (side, sign) in [(0, 1.0), (1, -1.0)] {
            plain.log_mgf[side].push(bets.iter().map(|bet| log_mgf(&all, bet * sign, cut)).collect());
        }
    }
    plain
}

fn dependence(rows: &[Vec<f64>], count: usize) -> f64 {
    let mean = rows.iter().flatten().sum::<f64>() / count as f64;
    let unit = rows.iter().flatten().map(|score| (score - mean).powi(2)).sum::<f64>() / count as f64;
    let mut factor = 1.0_f64;
    for length in BLOCKS.into_iter().skip(1) {
        let blocks: Vec<f64> =
            rows.iter().flat_map(|row| row.windows(length)).map(|block| block.iter().map(|score| score - mean).sum()).collect();
        if blocks.len() >= BLOCKS_NEEDED_PER_WINDOW * length {
            let variance = blocks.iter().map(|sum: &f64| sum * sum).sum::<f64>() / blocks.len() as f64;
            factor = factor.max(variance / (length as f64 * unit) / (1.0 - length as f64 / count as f64));
        }
    }
    factor
}

fn log_mgf(scores: &[f64], bet: f64, cut: f64) -> f64 {
    let unseen = UNSEEN * 0.5 * ((bet * cut).exp() + (-bet * cut).exp());
    let windows = scores.len() as f64 + UNSEEN;
    let up = scores.iter().map(|score| (bet * score).exp()).sum::<f64>() + unseen;
    let down = scores.iter().map(|score| (-bet * score).exp()).sum::<f64>() + unseen;
    ((up + down) / (2.0 * windows)).ln().max((up / windows).ln())
}

/// That the naive profile is the profile.
pub fn check(rows: &[Vec<f64>], fast: &NoiseProfile) {
    let plain = profile(rows);
    assert!(VARIANCE_MARGIN > 1.0 && (plain.dependence[CLIPS.len() - 1] - fast.dependence()).abs() < 1e-9);
    for (index, side) in [Side::Harm, Side::Safe].into_iter().enumerate() {
        for clip in 0..CLIPS.len() {
            for (plain, fast) in plain.log_mgf[index][clip].iter().zip(fast.log_mgf(side, clip)) {
                assert!((plain - fast).abs() < 1e-9, "clip {clip}: {plain} and {fast}");
            }
        }
    }
}

/// Labels and samples.
pub type PlainSeries = (BTreeMap<String, String>, Vec<(i64, f64)>);

/// Labels and numbers of a matrix, by way of a generic tree.
pub fn decoded(body: &[u8]) -> Vec<PlainSeries> {
    let tree: Value = serde_json::from_slice(body).expect("sound JSON");
    let series = tree["data"]["result"].as_array().expect("a matrix");
    series
        .iter()
        .map(|series| {
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            let labels = series["metric"].as_object().expect("labels").iter().map(|(name, value)| (name.clone(), text(value))).collect();
            let point = |point: &Value| {
                let seconds = point[0].as_f64().expect("a time");
                ((seconds * 1000.0).round() as i64, point[1].as_str().expect("a number as text").parse().expect("a number"))
            };
            (labels, series["values"].as_array().expect("samples").iter().map(point).collect())
        })
        .collect()
}

/// That both ways of decoding give the same.
pub fn check_body(body: &[u8]) {
    let fast: Vec<_> = decode_matrix(body).expect("a sound body").series.into_iter().map(|series| (series.labels, series.values)).collect();
    assert_eq!(decoded(body), fast);
}
