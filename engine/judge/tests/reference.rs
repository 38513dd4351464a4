//! The judge against reference tables in `fixtures/reference/`: made by an independent reference in plain NumPy and by SciPy,
//! never by this crate. Generators and versions stand beside the tables.

#[expect(dead_code, reason = "shared with tests that draw counts")]
mod draws;
#[path = "reference/table.rs"]
mod table;

#[path = "reference/calibrated.rs"]
mod calibrated;
#[path = "reference/fixed_horizon.rs"]
mod fixed_horizon;
#[path = "reference/kayenta.rs"]
mod kayenta;
#[path = "reference/more.rs"]
mod more;
#[path = "reference/others.rs"]
mod others;
#[path = "reference/steps.rs"]
mod steps;
