//! Poisson arrivals at every instance, from literal seeds: the same requests at the same moments in every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::random::Draws;
use super::server::http_client;
use super::service::Instance;
use super::work::life;

/// How often the direct load looks at the clock.
const TICK: Duration = Duration::from_millis(20);

/// The requests that arrive at one instance while it runs, by ascending moment.
struct Arrivals {
    instance: Arc<Instance>,
    draws: Draws,
    rate: f64,
    next: f64,
}

impl Arrivals {
    fn new(instance: Arc<Instance>) -> Self {
        let identity = instance.identity;
        let rate = *identity.mode.rate().get(identity.arm);
        // Apart from the seeds of what the handler draws.
        let mut draws = Draws::new(identity.seed() + 1_000_000);
        let next = draws.exponential(rate);
        Arrivals { instance, draws, rate, next }
    }

    /// The next arrival not after `now` that finds its instance running.
    fn due(&mut self, now: f64) -> Option<f64> {
        while self.next <= now {
            let at = self.next;
            self.next += self.draws.exponential(self.rate);
            let identity = self.instance.identity;
            if life(identity.mode, identity.arm, identity.number, at, self.instance.timeline()).is_some() {
                return Some(at);
            }
        }
        None
    }
}

/// The load on all instances; ends when dropped.
pub struct Load {
    stopped: Arc<AtomicBool>,
    direct: Option<JoinHandle<()>>,
    over_http: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    /// Starts at `begin`. Each instance comes with the address at which it answers.
    pub fn start(begin: Instant, instances: impl IntoIterator<Item = (Arc<Instance>, std::net::SocketAddr)>) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let client = http_client();
        let mut direct = Vec::new();
        let mut over_http = Vec::new();
        for (instance, address) in instances {
            let http = instance.identity.mode.load_over_http();
            let arrivals = Arrivals::new(instance);
            if http {
                over_http.push(tokio::spawn(call_over_http(begin, arrivals, client.clone(), address, Arc::clone(&stopped))));
            } else {
                direct.push(arrivals);
            }
        }
        let direct = thread::spawn({
            let stopped = Arc::clone(&stopped);
            move || call_directly(begin, direct, &stopped)
        });
        Load { stopped, direct: Some(direct), over_http }
    }

    /// Ends the load; no request is under way afterwards.
    pub async fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(direct) = self.direct.take() {
            direct.join().expect("no handler panics");
        }
        for task in self.over_http.drain(..) {
            task.await.expect("no request panics");
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        for task in &self.over_http {
            task.abort();
        }
    }
}

fn call_directly(begin: Instant, mut all: Vec<Arrivals>, stopped: &AtomicBool) {
    while !stopped.load(Ordering::Relaxed) {
        let now = begin.elapsed().as_secs_f64();
        for arrivals in &mut all {
            while let Some(at) = arrivals.due(now) {
                arrivals.instance.work(at);
            }
        }
        thread::sleep(TICK);
    }
}

async fn call_over_http(
    begin: Instant,
    mut arrivals: Arrivals,
    client: reqwest::Client,
    address: std::net::SocketAddr,
    stopped: Arc<AtomicBool>,
) {
    while !stopped.load(Ordering::Relaxed) {
        while let Some(at) = arrivals.due(begin.elapsed().as_secs_f64()) {
            // A refused connection is a request that never was; the status is the service's business.
            if let Ok(response) = client.get(format!("http://{address}/work?at={at}")).send().await {
                let _ = response.bytes().await;
            }
        }
        tokio::time::sleep(TICK).await;
    }
}
