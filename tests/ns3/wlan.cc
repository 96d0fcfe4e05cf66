// Probe traces of terminals in a WLAN, out of ns-3's radio, MAC and queues. One run is one access point; the seed draws all of
// it. Of the causes of METHODS section 4: `calm`, `congestion`, `hidden`, `weak`, `unstable`, each in bursts of probes; of the
// types of section 3: `idle`, `loaded`, in one series.
//
//   wlan WORLD SEED     traces as CSV on the standard output

#include <map>

#include "probing.h"

#include "ns3/mobility-module.h"
#include "ns3/propagation-module.h"
#include "ns3/traffic-control-module.h"
#include "ns3/wifi-module.h"

using namespace probing;

namespace {

// Fast radios are full only at packet rates that take hours to simulate.
constexpr double PACKETS_PER_S_MAX = 1000.0;
constexpr double EXPONENT = 3.0;
constexpr double SENT_DBM = 16.0206;
constexpr double LOSS_AT_1_M_DB = 46.6777;
constexpr double OUT_OF_RANGE_M = 5000.0;
// Terminals associate where all is well, then what ails them begins.
constexpr double AILING_FROM_S = 4.0;

// --- radio --------------------------------------------------------------------------------------------------------------

struct Radio {
  WifiStandard standard;
  std::string channel, manager, mode, control_mode;
  double phy_mbps;
  bool aggregates;
};

Radio draw_radio(bool old_only) {
  if (happens(old_only ? 0.7 : 0.4)) {
    const auto mbps = one_of<int>({6, 12, 24, 54});
    const auto manager = one_of<std::string>({"Minstrel", "Aarf", "Arf", "Ideal", "ConstantRate"});
    return {WIFI_STANDARD_80211g, "{0, 20, BAND_2_4GHZ, 0}", manager, "ErpOfdmRate" + std::to_string(mbps) + "Mbps",
            "ErpOfdmRate6Mbps", manager == "ConstantRate" ? mbps : 40.0, false};
  }
  const bool is_ac = !old_only && happens(0.4), is_5_ghz = is_ac || happens(0.4);
  const int mcs = whole(1, 5), width_mhz = is_ac ? one_of<int>({20, 40, 80}) : one_of<int>({20, 20, 40});
  const std::vector<double> mbps = {6.5, 13.0, 19.5, 26.0, 39.0, 52.0};
  const auto manager = one_of<std::string>({"MinstrelHt", "Ideal", "ConstantRate"});
  return {is_ac ? WIFI_STANDARD_80211ac : WIFI_STANDARD_80211n,
          "{0, " + std::to_string(width_mhz) + (is_5_ghz ? ", BAND_5GHZ, 0}" : ", BAND_2_4GHZ, 0}"),
          manager,
          (is_ac ? "VhtMcs" : "HtMcs") + std::to_string(mcs),
          is_5_ghz ? "OfdmRate6Mbps" : "ErpOfdmRate6Mbps",
          (manager == "ConstantRate" ? mbps[mcs] : 50.0) * width_mhz / 20.0,
          happens(0.8) && !old_only};
}

// What UDP packets of this size get through without competition, roughly.
double capacity_mbps(const Radio &radio, uint32_t bytes) {
  const double overhead_us = radio.aggregates ? 30.0 : 170.0;
  return bytes * 8.0 / (overhead_us + (bytes + 60) * 8.0 / radio.phy_mbps);
}

struct Cell {
  NodeContainer centre, stations;
  NetDeviceContainer centre_device, station_devices;
};

void install_radio(Cell &cell, const Radio &radio, const Ptr<YansWifiChannel> &channel) {
  YansWifiPhyHelper phy;
  phy.SetChannel(channel);
  phy.Set("ChannelSettings", StringValue(radio.channel));
  WifiHelper wifi;
  wifi.SetStandard(radio.standard);
  if (radio.manager == "ConstantRate") {
    wifi.SetRemoteStationManager("ns3::ConstantRateWifiManager", "DataMode", StringValue(radio.mode), "ControlMode",
                                 StringValue(radio.control_mode));
  } else {
    wifi.SetRemoteStationManager("ns3::" + radio.manager + "WifiManager");
  }
  WifiMacHelper mac;
  const SsidValue ssid(Ssid("cell"));
  mac.SetType("ns3::StaWifiMac", "Ssid", ssid, "ActiveProbing", BooleanValue(false), "MaxMissedBeacons",
              UintegerValue(whole(30, 200)));
  cell.station_devices = wifi.Install(phy, mac, cell.stations);
  mac.SetType("ns3::ApWifiMac", "Ssid", ssid);
  cell.centre_device = wifi.Install(phy, mac, cell.centre);
  if (!radio.aggregates) {
    for (const auto &devices : {cell.station_devices, cell.centre_device}) {
      for (uint32_t index = 0; index < devices.GetN(); ++index) {
        DynamicCast<WifiNetDevice>(devices.Get(index))->GetMac()->SetAttribute("BE_MaxAmpduSize", UintegerValue(0));
      }
    }
  }
}

// --- places -------------------------------------------------------------------------------------------------------------

double distance_m_for(double rssi_dbm) {
  return std::pow(10.0, (SENT_DBM - LOSS_AT_1_M_DB - rssi_dbm) / (10.0 * EXPONENT));
}

void put(Ptr<Node> node, double distance_m, double angle) {
  node->GetObject<MobilityModel>()->SetPosition(Vector(distance_m * std::cos(angle), distance_m * std::sin(angle), 0.0));
}

struct Shadow {
  double angle, mean_dbm, deviation_db, memory;
};

// Slow shadowing about a mean: an autoregressive level, in decibels.
void shadow(Ptr<Node> node, Shadow of, double level_db) {
  const double fresh_db = std::normal_distribution<double>(0.0, of.deviation_db)(chance);
  const double next_db = of.memory * level_db + std::sqrt(1.0 - of.memory * of.memory) * fresh_db;
  put(node, distance_m_for(of.mean_dbm + next_db), of.angle);
  Simulator::Schedule(Seconds(0.25), &shadow, node, of, next_db);
}

struct Trip {
  double angle, near_m, there_s, away_s;
};

// Out of range and back.
void carry(Ptr<Node> node, Trip trip, bool is_there) {
  put(node, is_there ? trip.near_m : OUT_OF_RANGE_M, trip.angle);
  Simulator::Schedule(Seconds(exponential(is_there ? trip.there_s : trip.away_s)), &carry, node, trip, !is_there);
}

void place(const Terminal &terminal) {
  const double angle = uniform(0.0, 2.0 * M_PI);
  put(terminal.node, terminal.cause == "disconnected" ? OUT_OF_RANGE_M : uniform(2.0, 15.0), angle);
  if (terminal.cause == "weak_link") {
    const Shadow of{angle, uniform(-92.0, -86.5), uniform(0.5, 4.0), std::exp(-0.25 / uniform(3.0, 20.0))};
    Simulator::Schedule(Seconds(AILING_FROM_S), &shadow, terminal.node, of, 0.0);
  } else if (terminal.cause == "unstable") {
    const Trip trip{angle, uniform(2.0, 15.0), uniform(4.0, 25.0), uniform(3.0, 18.0)};
    Simulator::Schedule(Seconds(AILING_FROM_S), &carry, terminal.node, trip, true);
  }
}

// Two groups that hear the access point but not each other.
Ptr<PropagationLossModel> hidden_loss(const Cell &cell, uint32_t ours) {
  const auto loss = CreateObject<MatrixPropagationLossModel>();
  loss->SetDefaultLoss(200.0);
  const auto body = [&](uint32_t index) { return cell.stations.Get(index)->GetObject<MobilityModel>(); };
  for (uint32_t index = 0; index < cell.stations.GetN(); ++index) {
    loss->SetLoss(cell.centre.Get(0)->GetObject<MobilityModel>(), body(index), uniform(55.0, 78.0));
    for (uint32_t other = 0; other < index; ++other) {
      if ((index < ours) == (other < ours)) {
        loss->SetLoss(body(index), body(other), uniform(50.0, 80.0));
      }
    }
  }
  return loss;
}

Ptr<PropagationLossModel> open_loss(bool fades) {
  const auto loss = CreateObject<LogDistancePropagationLossModel>();
  loss->SetPathLossExponent(EXPONENT);
  loss->SetReference(1.0, LOSS_AT_1_M_DB);
  if (fades) {
    // Near the access point it hardly matters; far out it decides.
    const auto fading = CreateObject<NakagamiPropagationLossModel>();
    const double shape = uniform(1.0, 4.0);
    fading->SetAttribute("m0", DoubleValue(3.0 * shape));
    fading->SetAttribute("Distance1", DoubleValue(30.0));
    fading->SetAttribute("m1", DoubleValue(shape));
    fading->SetAttribute("m2", DoubleValue(shape));
    loss->SetNext(fading);
  }
  return loss;
}

// --- the worlds ---------------------------------------------------------------------------------------------------------

struct World {
  // Causes of the terminals that are asked; of the first, how many there are is drawn.
  std::vector<std::string> causes;
  int others_least, others_most;
  double load_least, load_most;
  bool has_background;
  // Of the links on the way: where the radio is calm, what they add decides what calm looks like.
  double narrow_share;
};

const std::map<std::string, World> WORLDS = {
    {"calm", {{"normal", "normal", "normal", "disconnected", "ports_blocked"}, 1, 3, 0.0, 0.3, false, 0.5}},
    {"congestion", {{"congestion", "congestion", "congestion", "congestion"}, 2, 6, 0.95, 1.5, true, 0.25}},
    {"hidden", {{"hidden_terminal", "hidden_terminal", "hidden_terminal"}, 1, 4, 0.45, 1.1, true, 0.25}},
    {"weak", {{"weak_link", "weak_link", "weak_link"}, 1, 3, 0.0, 0.3, false, 0.5}},
    {"unstable", {{"unstable", "unstable", "unstable"}, 1, 3, 0.0, 0.3, false, 0.5}},
    {"idle", {{"", "", ""}, 0, 2, 0.0, 0.0, false, 0.25}},
    {"loaded", {{"", "", ""}, 1, 6, 0.15, 1.0, true, 0.25}},
};

void add_traffic(const Cell &cell, const Ipv4InterfaceContainer &addresses, const World &world, bool is_hidden,
                 double mbps) {
  const int ours = world.causes.size(), others = cell.stations.GetN() - ours;
  const bool is_full = world.load_least > 0.9, has_tcp = world.has_background && !is_hidden && happens(0.5);
  const int flows = is_full ? std::max(whole(4, 10), others) : others;
  const uint32_t bytes = one_of<uint32_t>({500, 1000, 1400});
  // Where all of it goes up, the access point's own queue stays short and only the air is full.
  const double up_share = is_full ? one_of<double>({0.0, 0.5, 0.5, 1.0}) : 0.5;
  for (int flow = 0; flow < flows; ++flow) {
    const uint32_t index = ours + flow % others;
    Ptr<Node> centre = cell.centre.Get(0), station = cell.stations.Get(index);
    const bool is_up = is_hidden || happens(up_share);
    const Flow of{mbps / flows, bytes, has_tcp && happens(0.4), happens(0.4)};
    if (of.mbps > 0.0) {
      add_flow(is_up ? station : centre, is_up ? centre : station, addresses.GetAddress(is_up ? 0 : 1 + index), of);
    }
  }
}

void run(const std::string &name, const World &world, uint64_t seed) {
  seed_chance("wlan-" + name, seed);
  const bool is_hidden = name == "hidden", is_weak = name == "weak", is_unstable = name == "unstable";
  const bool is_of_type = world.causes.front().empty(), is_full = world.load_least > 0.9;
  // A terminal that failed to answer once is asked for again soon, as real access points do.
  Config::SetDefault("ns3::ArpCache::DeadTimeout", TimeValue(Seconds(1)));
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1400));
  Config::SetDefault("ns3::WifiMacQueue::MaxSize", StringValue(std::to_string(is_full ? whole(100, 500) : 500) + "p"));
  if (is_weak) {
    Config::SetDefault("ns3::ThresholdPreambleDetectionModel::MinimumRssi", DoubleValue(-101.0));
    Config::SetDefault("ns3::ThresholdPreambleDetectionModel::Threshold", DoubleValue(uniform(0.0, 4.0)));
  }

  for (const auto &cause : world.causes) {
    terminals.push_back(draw_terminal("s" + std::to_string(terminals.size()), "wlan", cause, is_of_type ? 2 : 4, is_of_type ? 4 : 6));
  }
  const int ours = terminals.size();
  const bool asks_gateway = is_of_type && happens(0.5);
  if (asks_gateway) {
    terminals.push_back(draw_terminal("gw", "gateway", "", 2, 2));
  }
  const double gap_s = uniform(0.05, 0.12) * uniform(0.9, 1.05), slow_s = world.has_background ? uniform(1.0, 1.25) : uniform(1.0, 4.0);
  const Pace pace = is_of_type ? Pace{1, whole(30, 40), 0.85 * slow_s, 1.15 * slow_s, 0.0, 0.0, 0.0}
                               : Pace{whole(8, 10), whole(25, 32), 0.65 * gap_s, 1.35 * gap_s, 14.0, 22.0,
                                      is_weak || is_unstable ? uniform(2.3, 3.3) : 0.0};
  const double end_s = plan_probes(is_of_type ? 6.0 : 8.0, pace) + 5.0;

  InternetStackHelper internet;
  const Way way = build_way(internet, world.narrow_share);
  Cell cell;
  cell.centre.Create(1);
  cell.stations.Create(ours + whole(world.others_least, world.others_most));
  MobilityHelper mobility;
  mobility.SetMobilityModel("ns3::ConstantPositionMobilityModel");
  mobility.Install(cell.centre);
  mobility.Install(cell.stations);
  Radio radio = draw_radio(is_unstable);
  while ((is_full || is_hidden) && capacity_mbps(radio, 1000) * 1e6 / 8000.0 > PACKETS_PER_S_MAX) {
    radio = draw_radio(false);
  }
  auto channel = CreateObject<YansWifiChannel>();
  channel->SetPropagationDelayModel(CreateObject<ConstantSpeedPropagationDelayModel>());
  channel->SetPropagationLossModel(is_hidden ? hidden_loss(cell, ours) : open_loss(is_weak));
  install_radio(cell, radio, channel);

  internet.Install(cell.centre);
  internet.Install(cell.stations);
  PointToPointHelper line;
  const bool has_line = happens(0.4);
  const double line_mbps = has_line ? log_uniform(6.0, 300.0) : 1000.0;
  line.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(line_mbps * 1e6))));
  line.SetChannelAttribute("Delay", TimeValue(Seconds(0.0003)));
  const auto line_devices = line.Install(way.edge, cell.centre.Get(0));
  if (has_line) {
    vary_delay(line_devices.Get(0)->GetChannel(), one_of<double>({0.2, 1.0, 5.0}), log_uniform(0.1, 4.0));
  }
  if (is_full && happens(0.6)) {
    TrafficControlHelper queues;
    queues.SetRootQueueDisc("ns3::FifoQueueDisc", "MaxSize", StringValue(std::to_string(whole(100, 1000)) + "p"));
    queues.Install(NetDeviceContainer(cell.centre_device, cell.station_devices));
  } else if (happens(0.5)) {
    TrafficControlHelper queues;
    queues.SetRootQueueDisc("ns3::FqCoDelQueueDisc");
    queues.Install(NetDeviceContainer(cell.centre_device, cell.station_devices));
  }
  const auto line_addresses = Ipv4AddressHelper("10.3.0.0", "255.255.255.0").Assign(line_devices);
  const auto addresses = Ipv4AddressHelper("10.4.0.0", "255.255.255.0").Assign(NetDeviceContainer(cell.centre_device, cell.station_devices));
  Ipv4GlobalRoutingHelper::PopulateRoutingTables();

  for (int number = 0; number < static_cast<int>(cell.stations.GetN()); ++number) {
    if (number < ours) {
      terminals[number].node = cell.stations.Get(number);
      terminals[number].address = addresses.GetAddress(1 + number);
      terminals[number].hops = way.hops;
      place(terminals[number]);
    } else {
      put(cell.stations.Get(number), uniform(2.0, 15.0), uniform(0.0, 2.0 * M_PI));
    }
  }
  if (asks_gateway) {
    terminals.back().node = cell.centre.Get(0);
    terminals.back().address = line_addresses.GetAddress(1);
    terminals.back().hops = way.hops - 1;
  }
  const double most_mbps = std::min(capacity_mbps(radio, 1000), PACKETS_PER_S_MAX * 8e-3);
  add_traffic(cell, addresses, world, is_hidden, most_mbps * uniform(world.load_least, world.load_most));
  send_probes(way.scanner);
  run_and_print("ns3_wlan_" + name + "_" + std::to_string(seed), world.has_background, end_s);
}

} // namespace

int main(int arguments, char **values) {
  const auto world = arguments == 3 ? WORLDS.find(values[1]) : WORLDS.end();
  if (world == WORLDS.end()) {
    std::fprintf(stderr, "usage: wlan WORLD SEED, with one of the worlds");
    for (const auto &[name, _] : WORLDS) {
      std::fprintf(stderr, " %s", name.c_str());
    }
    std::fprintf(stderr, "\n");
    return 2;
  }
  run(world->first, world->second, std::strtoull(values[2], nullptr, 10));
  return 0;
}
