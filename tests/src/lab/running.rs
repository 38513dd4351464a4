//! The running lab: instances that live and die by the timeline, load on them, and the servers that scrape them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use davy_judge::arm::Arm;
use tokio::net::TcpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::load::Load;
use super::model::{INSTANCES, Mode, STEP, Timeline};
use super::server::{Server, ServerKind, Target};
use super::service::{Identity, Instance};
use super::work::life;

/// How often the timeline is looked at.
const TICK: Duration = Duration::from_millis(20);
/// How long to try for the port of an instance that comes back.
const REBIND_WITHIN: Duration = Duration::from_secs(5);

/// All of the lab; everything ends when it is dropped.
pub struct Lab {
    /// Scrapes every target.
    pub prometheus: Server,
    /// Scrapes every target too, where it was asked for.
    pub victoria_metrics: Option<Server>,
    /// When things happen, in seconds since [`Lab::begin`].
    pub timeline: Timeline,
    /// Seconds since the epoch; a multiple of the step.
    pub begin: f64,
    began: Instant,
    instances: Vec<Arc<Instance>>,
    load: Load,
    conductor: JoinHandle<()>,
}

impl Lab {
    /// Starts servers, instances and load.
    ///
    /// # Errors
    /// A server cannot start, or no port is free.
    pub async fn start(modes: &[Mode], timeline: Timeline, servers: &[ServerKind]) -> anyhow::Result<Self> {
        let mut hosts = Vec::new();
        for &mode in modes {
            for arm in Arm::BOTH {
                for number in 0..*INSTANCES.get(arm) {
                    hosts.push(Host::new(Instance::new(Identity { mode, arm, number }, timeline))?);
                }
            }
        }
        let targets: Vec<Target> = hosts.iter().map(Host::target).collect();
        for host in &mut hosts {
            host.follow(life_at(host, 0.0, &timeline)).await?;
        }
        let prometheus = Server::start(ServerKind::Prometheus, &targets).await?;
        let victoria_metrics = match servers.contains(&ServerKind::VictoriaMetrics) {
            true => Some(Server::start(ServerKind::VictoriaMetrics, &targets).await?),
            false => None,
        };
        for server in [Some(&prometheus), victoria_metrics.as_ref()].into_iter().flatten() {
            server.wait_until_scraping(targets.len()).await?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs_f64();
        let begin = (now / STEP).ceil() * STEP;
        let began = Instant::now() + Duration::from_secs_f64(begin - now);
        let instances = hosts.iter().map(|host| Arc::clone(&host.instance)).collect();
        let load = Load::start(began, hosts.iter().map(|host| (Arc::clone(&host.instance), host.address)));
        let conductor = tokio::spawn(conduct(began, timeline, hosts));
        Ok(Lab { prometheus, victoria_metrics, timeline, begin, began, instances, load, conductor })
    }

    /// The epoch second of a moment of the timeline.
    pub fn epoch(&self, at: f64) -> f64 {
        self.begin + at
    }

    /// Waits until `at` seconds after the beginning.
    pub async fn wait_until(&self, at: f64) {
        tokio::time::sleep_until((self.began + Duration::from_secs_f64(at)).into()).await;
    }

    /// The instances of one arm of one mode.
    pub fn instances(&self, mode: Mode, arm: Arm) -> impl Iterator<Item = &Arc<Instance>> {
        self.instances.iter().filter(move |instance| instance.identity.mode == mode && instance.identity.arm == arm)
    }

    /// Ends the load, so that nothing changes any more.
    pub async fn stop_load(&mut self) {
        self.load.stop().await;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.conductor.abort();
    }
}

/// The machine of an instance: it has the port whether a process listens there or not.
struct Host {
    instance: Arc<Instance>,
    address: SocketAddr,
    reserved: Option<TcpSocket>,
    process: Option<Process>,
    life: Option<u32>,
}

/// A listening process.
struct Process {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Host {
    fn new(instance: Arc<Instance>) -> anyhow::Result<Self> {
        let socket = bind(([127, 0, 0, 1], 0).into()).context("no loopback port is free")?;
        let address = socket.local_addr()?;
        Ok(Host { instance, address, reserved: Some(socket), process: None, life: None })
    }

    /// What a pod's labels would be; `version` tells the arms apart.
    fn target(&self) -> Target {
        let identity = self.instance.identity;
        let mut labels =
            BTreeMap::from([("mode".to_owned(), identity.mode.name().to_owned()), ("instance".to_owned(), identity.instance())]);
        if identity.mode.has_version(identity.arm) {
            labels.insert("version".to_owned(), identity.arm.name().to_owned());
        }
        Target { address: self.address, labels }
    }

    /// Ends the process that should no longer run, and starts the one that should.
    async fn follow(&mut self, wanted: Option<u32>) -> anyhow::Result<()> {
        if self.life == wanted {
            return Ok(());
        }
        if let Some(process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.stop.send(());
            process.ended.await.context("the service panicked")?.context("the service ended")?;
            self.reserved = Some(rebind(self.address).await?);
        }
        if let Some(life) = wanted {
            if life > 0 {
                self.instance.restart();
            }
            let socket = self.reserved.take().expect("a host without a process has its port");
            let listener = socket.listen(64).context("listening")?;
            let (stop, stopped) = oneshot::channel::<()>();
            let router = self.instance.router();
            let ended =
                tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) }).await });
            self.process = Some(Process { stop, ended });
        }
        self.life = wanted;
        Ok(())
    }
}

/// Lets every host follow the timeline, for as long as the lab runs.
async fn conduct(began: Instant, timeline: Timeline, mut hosts: Vec<Host>) {
    loop {
        // Before the beginning, the elapsed time is zero and the baselines are up already.
        let at = began.elapsed().as_secs_f64();
        for host in &mut hosts {
            host.follow(life_at(host, at, &timeline)).await.expect("a loopback service starts and ends");
        }
        tokio::time::sleep(TICK).await;
    }
}

fn life_at(host: &Host, at: f64, timeline: &Timeline) -> Option<u32> {
    let Identity { mode, arm, number } = host.instance.identity;
    life(mode, arm, number, at, timeline)
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// The port may have been taken for an outgoing connection in the meantime.
async fn rebind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let deadline = Instant::now() + REBIND_WITHIN;
    loop {
        match bind(address) {
            Ok(socket) => return Ok(socket),
            Err(error) if Instant::now() > deadline => return Err(error).context("the instance's port is taken"),
            Err(_) => tokio::time::sleep(TICK).await,
        }
    }
}
