//! Why a point, record or span was not taken, or taken with a remark.

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It says no time.
    NoTime,
    /// It says no value, or no data.
    NoValue,
    /// NaN or infinite where that means nothing.
    NotFinite,
    /// Neither delta nor cumulative.
    NoTemporality,
    /// A delta of a sum that may fall: its level is unknown.
    DeltaOfLevel,
    /// A rising sum's negative increment or level.
    Negative,
    /// Buckets that contradict their bounds, their order or their count.
    Buckets,
    /// Without a name nobody can ask for it.
    NoName,
    /// It is older than what is kept.
    TooOld,
    /// It lies further ahead than clocks may differ.
    Ahead,
    /// There are as many series as there may be.
    SeriesLimit,
    /// There is as much in memory as there may be, and nothing old enough to be dropped.
    MemoryLimit,
    /// The sender says that there is nothing: not an error.
    NoRecordedValue,
    /// It came before: a retry. Not an error.
    Duplicate,
    /// It came before with another value; the larger one stays.
    Conflict,
    /// A span that serves nobody: not an error.
    NotServerSpan,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 16] = [
        Reason::NoTime,
        Reason::NoValue,
        Reason::NotFinite,
        Reason::NoTemporality,
        Reason::DeltaOfLevel,
        Reason::Negative,
        Reason::Buckets,
        Reason::NoName,
        Reason::TooOld,
        Reason::Ahead,
        Reason::SeriesLimit,
        Reason::MemoryLimit,
        Reason::NoRecordedValue,
        Reason::Duplicate,
        Reason::Conflict,
        Reason::NotServerSpan,
    ];

    /// One word, as it stands in metrics: an API.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NoTime => "no_time",
            Reason::NoValue => "no_value",
            Reason::NotFinite => "not_finite",
            Reason::NoTemporality => "no_temporality",
            Reason::DeltaOfLevel => "delta_of_level",
            Reason::Negative => "negative",
            Reason::Buckets => "buckets",
            Reason::NoName => "no_name",
            Reason::TooOld => "too_old",
            Reason::Ahead => "ahead",
            Reason::SeriesLimit => "series_limit",
            Reason::MemoryLimit => "memory_limit",
            Reason::NoRecordedValue => "no_recorded_value",
            Reason::Duplicate => "duplicate",
            Reason::Conflict => "conflict",
            Reason::NotServerSpan => "not_server_span",
        }
    }

    /// For the sender: what was expected.
    pub fn text(self) -> &'static str {
        match self {
            Reason::NoTime => "expected timeUnixNano, found none",
            Reason::NoValue => "expected a value, found none",
            Reason::NotFinite => "expected a finite number, found NaN or infinity",
            Reason::NoTemporality => "expected the temporality delta or cumulative, found another",
            Reason::DeltaOfLevel => "a delta of a sum that is not monotonic has no level; export it as cumulative",
            Reason::Negative => "a monotonic sum cannot be negative",
            Reason::Buckets => "expected one bucket more than ascending bounds, and counts that add up; found others",
            Reason::NoName => "expected a metric's name, found none",
            Reason::TooOld => "older than what is kept; send sooner, or keep more",
            Reason::Ahead => "its time lies in the future; set both clocks (NTP)",
            Reason::SeriesLimit => "there are as many series as may be kept; drop attributes of many values",
            Reason::MemoryLimit => "memory is full of what is not old yet; send less, or allow more",
            Reason::NoRecordedValue => "flagged as having no value",
            Reason::Duplicate => "came before",
            Reason::Conflict => "came before with another value; the larger one stays",
            Reason::NotServerSpan => "not a SERVER span",
        }
    }

    /// Whether the sender is told that it was rejected; else it was of no use, and that is no fault.
    pub fn is_rejection(self) -> bool {
        match self {
            Reason::NoRecordedValue | Reason::Duplicate | Reason::Conflict | Reason::NotServerSpan => false,
            Reason::NoTime
            | Reason::NoValue
            | Reason::NotFinite
            | Reason::NoTemporality
            | Reason::DeltaOfLevel
            | Reason::Negative
            | Reason::Buckets
            | Reason::NoName
            | Reason::TooOld
            | Reason::Ahead
            | Reason::SeriesLimit
            | Reason::MemoryLimit => true,
        }
    }

    /// Whether what was left out may be missing in a window: then the window is not to be trusted.
    pub fn leaves_a_hole(self) -> bool {
        self.is_rejection() && !matches!(self, Reason::NoName | Reason::Ahead)
    }
}
