//! Runs the whole lab by hand: `cargo run -p davy-tests --bin lab`. Prints where it is and when the canaries start, and
//! ends with the timeline.

use std::io::Write as _;

use davy_tests::lab::model::{Mode, Timeline};
use davy_tests::lab::running::Lab;
use davy_tests::lab::server::ServerKind;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let lab = Lab::start(&Mode::ALL, Timeline::whole(), &[ServerKind::Prometheus, ServerKind::VictoriaMetrics]).await?;
    let mut out = std::io::stdout();
    writeln!(out, "Prometheus       {}", lab.prometheus.url())?;
    if let Some(victoria_metrics) = &lab.victoria_metrics {
        writeln!(out, "VictoriaMetrics  {}", victoria_metrics.url())?;
    }
    writeln!(out, "modes            {}", Mode::ALL.map(Mode::name).join(" "))?;
    writeln!(out, "canaries start   {:.0} (--start)", lab.epoch(lab.timeline.canary_starts))?;
    writeln!(out, "ends             {:.0}", lab.epoch(lab.timeline.deadline))?;
    lab.wait_until(lab.timeline.deadline).await;
    Ok(())
}
