//! Attributes, resources and scopes.

use opentelemetry_proto::tonic::common::v1 as pb;
use opentelemetry_proto::tonic::resource::v1 as resource;
use serde::Deserialize;

use super::number::{Double, Int, List, Text};

/// An attribute's value. At most one of the fields is there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AnyValue {
    #[serde(alias = "string_value")]
    string_value: Option<String>,
    #[serde(alias = "bool_value")]
    bool_value: Option<bool>,
    #[serde(alias = "int_value")]
    int_value: Option<Int<i64>>,
    #[serde(alias = "double_value")]
    double_value: Option<Double>,
    #[serde(alias = "array_value")]
    array_value: Option<ArrayValue>,
    #[serde(alias = "kvlist_value")]
    kvlist_value: Option<KeyValueList>,
    /// Base64; kept as it is written, since it can only be compared.
    #[serde(alias = "bytes_value")]
    bytes_value: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ArrayValue {
    values: List<AnyValue, pb::AnyValue>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct KeyValueList {
    values: List<KeyValue, pb::KeyValue>,
}

/// One attribute.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyValue {
    key: Text,
    value: Option<AnyValue>,
}

/// A list of attributes.
pub(super) type Attributes = List<KeyValue, pb::KeyValue>;

/// Who sent it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resource {
    attributes: Attributes,
}

/// Which library measured it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Scope {
    name: Text,
    version: Text,
    attributes: Attributes,
}

impl From<AnyValue> for pb::AnyValue {
    fn from(json: AnyValue) -> Self {
        use pb::any_value::Value;
        let value = json
            .string_value
            .map(Value::StringValue)
            .or_else(|| json.bool_value.map(Value::BoolValue))
            .or_else(|| json.int_value.map(|value| Value::IntValue(value.get())))
            .or_else(|| json.double_value.map(|value| Value::DoubleValue(value.0)))
            .or_else(|| json.array_value.map(|list| Value::ArrayValue(pb::ArrayValue { values: list.values.into_vec() })))
            .or_else(|| json.kvlist_value.map(|list| Value::KvlistValue(pb::KeyValueList { values: list.values.into_vec() })))
            .or_else(|| json.bytes_value.map(Value::StringValue));
        pb::AnyValue { value }
    }
}

impl From<KeyValue> for pb::KeyValue {
    fn from(json: KeyValue) -> Self {
        pb::KeyValue { key: json.key.0, value: json.value.map(Into::into), ..pb::KeyValue::default() }
    }
}

impl From<Resource> for resource::Resource {
    fn from(json: Resource) -> Self {
        resource::Resource { attributes: json.attributes.into_vec(), ..resource::Resource::default() }
    }
}

impl From<Scope> for pb::InstrumentationScope {
    fn from(json: Scope) -> Self {
        pb::InstrumentationScope {
            name: json.name.0,
            version: json.version.0,
            attributes: json.attributes.into_vec(),
            dropped_attributes_count: 0,
        }
    }
}
