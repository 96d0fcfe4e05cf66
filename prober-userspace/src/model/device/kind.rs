//! What a device is for: a closed vocabulary.

use std::fmt;
use std::str::FromStr;

/// The kind of a device, as finely as banners tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Router.
    Router,
    /// Modem, ONT.
    Modem,
    /// Wireless access point.
    AccessPoint,
    /// Switch, bridge, hub.
    Switch,
    /// Firewall, UTM.
    Firewall,
    /// VPN gateway.
    VpnGateway,
    /// Network camera.
    Camera,
    /// DVR, NVR.
    Recorder,
    /// Video encoder or server.
    VideoEncoder,
    /// Door phone.
    Intercom,
    /// Network storage.
    Nas,
    /// Printer, also with scanner and fax.
    Printer,
    /// Print server.
    PrintServer,
    /// IP telephone.
    VoipPhone,
    /// Telephone adapter, media gateway.
    VoipGateway,
    /// Telephone exchange.
    Pbx,
    /// Video conferencing.
    Conferencing,
    /// Player of audio or video.
    MediaPlayer,
    /// Set-top box.
    SetTopBox,
    /// Smart home hub or appliance.
    SmartHomeHub,
    /// Uninterruptible power supply.
    Ups,
    /// Power distribution.
    Pdu,
    /// Building automation.
    BuildingControl,
    /// PLC and other control.
    IndustrialControl,
    /// Industrial protocol gateway.
    IndustrialGateway,
    /// Serial device server, terminal server.
    SerialServer,
    /// BMC, KVM over IP.
    RemoteManagement,
    /// Sensor of temperature and the like.
    EnvironmentSensor,
    /// Electricity meter.
    EnergyMeter,
    /// Solar inverter or its logger.
    SolarInverter,
    /// Charger of vehicles.
    EvCharger,
    /// Automatic tank gauge.
    TankGauge,
    /// Access control.
    AccessControl,
    /// Time clock, attendance.
    TimeClock,
    /// Point of sale.
    PointOfSale,
    /// Traffic control.
    TrafficControl,
    /// Medical device.
    Medical,
    /// Satellite terminal.
    SatelliteTerminal,
    /// Cellular router or gateway.
    CellularGateway,
    /// Radio link.
    Radio,
    /// Projector.
    Projector,
    /// Display, signage.
    Display,
    /// Weather station.
    WeatherStation,
    /// An embedded web server; says nothing of the device around it.
    EmbeddedWebServer,
    /// None of these.
    Other,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 45] = [
        Self::Router,
        Self::Modem,
        Self::AccessPoint,
        Self::Switch,
        Self::Firewall,
        Self::VpnGateway,
        Self::Camera,
        Self::Recorder,
        Self::VideoEncoder,
        Self::Intercom,
        Self::Nas,
        Self::Printer,
        Self::PrintServer,
        Self::VoipPhone,
        Self::VoipGateway,
        Self::Pbx,
        Self::Conferencing,
        Self::MediaPlayer,
        Self::SetTopBox,
        Self::SmartHomeHub,
        Self::Ups,
        Self::Pdu,
        Self::BuildingControl,
        Self::IndustrialControl,
        Self::IndustrialGateway,
        Self::SerialServer,
        Self::RemoteManagement,
        Self::EnvironmentSensor,
        Self::EnergyMeter,
        Self::SolarInverter,
        Self::EvCharger,
        Self::TankGauge,
        Self::AccessControl,
        Self::TimeClock,
        Self::PointOfSale,
        Self::TrafficControl,
        Self::Medical,
        Self::SatelliteTerminal,
        Self::CellularGateway,
        Self::Radio,
        Self::Projector,
        Self::Display,
        Self::WeatherStation,
        Self::EmbeddedWebServer,
        Self::Other,
    ];

    /// The name in files, SQL and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Modem => "modem",
            Self::AccessPoint => "access_point",
            Self::Switch => "switch",
            Self::Firewall => "firewall",
            Self::VpnGateway => "vpn_gateway",
            Self::Camera => "camera",
            Self::Recorder => "recorder",
            Self::VideoEncoder => "video_encoder",
            Self::Intercom => "intercom",
            Self::Nas => "nas",
            Self::Printer => "printer",
            Self::PrintServer => "print_server",
            Self::VoipPhone => "voip_phone",
            Self::VoipGateway => "voip_gateway",
            Self::Pbx => "pbx",
            Self::Conferencing => "conferencing",
            Self::MediaPlayer => "media_player",
            Self::SetTopBox => "set_top_box",
            Self::SmartHomeHub => "smart_home_hub",
            Self::Ups => "ups",
            Self::Pdu => "pdu",
            Self::BuildingControl => "building_control",
            Self::IndustrialControl => "industrial_control",
            Self::IndustrialGateway => "industrial_gateway",
            Self::SerialServer => "serial_server",
            Self::RemoteManagement => "remote_management",
            Self::EnvironmentSensor => "environment_sensor",
            Self::EnergyMeter => "energy_meter",
            Self::SolarInverter => "solar_inverter",
            Self::EvCharger => "ev_charger",
            Self::TankGauge => "tank_gauge",
            Self::AccessControl => "access_control",
            Self::TimeClock => "time_clock",
            Self::PointOfSale => "point_of_sale",
            Self::TrafficControl => "traffic_control",
            Self::Medical => "medical",
            Self::SatelliteTerminal => "satellite_terminal",
            Self::CellularGateway => "cellular_gateway",
            Self::Radio => "radio",
            Self::Projector => "projector",
            Self::Display => "display",
            Self::WeatherStation => "weather_station",
            Self::EmbeddedWebServer => "embedded_web_server",
            Self::Other => "other",
        }
    }

    /// Whether it tells what the device is for.
    pub const fn tells(self) -> bool {
        !matches!(self, Self::EmbeddedWebServer | Self::Other)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Not a word of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of device; one of: {known}", known = known())]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

fn known() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        assert!(Kind::ALL.into_iter().all(|kind| kind.name().parse() == Ok(kind)));
        assert!("webcam".parse::<Kind>().unwrap_err().to_string().contains("camera"));
    }
}
