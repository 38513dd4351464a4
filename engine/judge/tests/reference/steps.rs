//! Calibrated evidence carried across traffic steps, recomputed from the definition at every window by `steps.py`.

use std::sync::Arc;

use davy_judge::evidence::Side;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::noise::NoiseProfile;

use crate::table::{assert_all_close, assert_close, load, number, numbers, rows};

#[test]
fn evidence_over_several_steps() {
    let table = load("steps.json");
    let runs = table["runs"].as_array().expect("an array of runs");
    assert!(runs.iter().filter(|run| run["steps"].as_array().is_some_and(|steps| steps.len() > 2)).count() >= 4);
    for run in runs {
        let bound = number(&run["bound"]);
        let longest = run["longest"].as_u64().expect("a whole number") as usize;
        for (side, key) in [(Side::Harm, "harm"), (Side::Safe, "safe")] {
            let what = format!("{}, {key}", run["name"]);
            let mut engine = Calibrated::new(side, longest);
            let mut trail = Vec::new();
            for step in run["steps"].as_array().expect("an array of steps") {
                engine.begin_step(Arc::new(NoiseProfile::from_history(&rows(&step["history"]), longest).expect("enough history")));
                let (d, now) = (numbers(&step["d"]), rows(&step["now"]));
                for (window, value) in d.iter().enumerate() {
                    engine.push(*value, bound, &now.iter().map(|row| row[window]).collect::<Vec<f64>>());
                    assert_close(&what, engine.ln_e_at(|_| bound), engine.ln_e());
                    trail.push(engine.ln_e());
                }
            }
            assert_all_close(&what, &trail, &numbers(&run[key]));
        }
    }
}
