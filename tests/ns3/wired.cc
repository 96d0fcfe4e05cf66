// Probe traces of terminals on wired access lines, each on its own last link: fibre, DSL, cable, Ethernet; `idle` or `loaded` in one
// series, `calm` or `busy` in bursts of probes. One run is one edge router; the seed draws all of it.
//
//   wired WORLD SEED     traces as CSV on the standard output

#include "probing.h"

#include "ns3/traffic-control-module.h"

using namespace probing;

namespace {

// More takes hours to simulate.
constexpr double BUSY_MBPS_MAX = 30.0;

struct Line {
  double down_mbps, up_mbps, delay_ms, grant_ms;
};

Line draw_line() {
  switch (whole(0, 3)) {
  case 0: // fibre: grants of a shared optical network
    return {uniform(100.0, 300.0), uniform(100.0, 300.0), uniform(0.05, 0.2), uniform(0.1, 1.0)};
  case 1: // DSL: interleaving
    return {uniform(6.0, 30.0), uniform(0.8, 5.0), happens(0.8) ? uniform(1.5, 10.0) : uniform(10.0, 15.0), 0.0};
  case 2: // cable: requests and grants
    return {uniform(40.0, 120.0), uniform(5.0, 20.0), uniform(0.5, 3.0), uniform(1.0, 4.0)};
  default: // Ethernet
    return {uniform(100.0, 1000.0), uniform(100.0, 1000.0), uniform(0.02, 0.3), 0.0};
  }
}

DataRateValue rate(double mbps) { return DataRateValue(DataRate(static_cast<uint64_t>(mbps * 1e6))); }

void run(const std::string &name, uint64_t seed) {
  seed_chance("wired-" + name, seed);
  const bool is_loaded = name == "loaded" || name == "busy", in_bursts = name == "calm" || name == "busy";
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1400));
  const int lines = whole(3, 4);
  for (int number = 0; number < lines; ++number) {
    terminals.push_back(draw_terminal("s" + std::to_string(number), "wired", "", 2, 4));
  }
  const bool asks_gateway = happens(0.5);
  if (asks_gateway) {
    terminals.push_back(draw_terminal("gw", "gateway", "", 2, 2));
  }
  const double gap_s = is_loaded ? uniform(1.0, 2.0) : uniform(1.0, 4.0);
  const double short_s = uniform(0.05, 0.12);
  const Pace pace = in_bursts ? Pace{4, whole(25, 32), 0.65 * short_s, 1.35 * short_s, 14.0, 22.0, 0.0}
                              : Pace{1, whole(30, 40), 0.85 * gap_s, 1.15 * gap_s, 0.0, 0.0, 0.0};
  const double end_s = plan_probes(5.0, pace) + 5.0;

  InternetStackHelper internet;
  const Way way = build_way(internet, 0.25);
  NodeContainer homes;
  homes.Create(lines);
  internet.Install(homes);
  Ipv4AddressHelper addresses("10.3.0.0", "255.255.255.0");
  for (int number = 0; number < lines; ++number) {
    const Line line = draw_line();
    PointToPointHelper link;
    link.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue(std::to_string(whole(60, 250)) + "p"));
    link.SetChannelAttribute("Delay", TimeValue(Seconds(line.delay_ms / 1e3)));
    const auto devices = link.Install(way.edge, homes.Get(number));
    devices.Get(0)->SetAttribute("DataRate", rate(line.down_mbps));
    devices.Get(1)->SetAttribute("DataRate", rate(line.up_mbps));
    TrafficControlHelper queues;
    queues.SetRootQueueDisc(happens(0.5) ? "ns3::FqCoDelQueueDisc" : "ns3::FifoQueueDisc");
    queues.Install(devices);
    if (line.grant_ms > 0.0) {
      vary_delay(devices.Get(0)->GetChannel(), line.delay_ms, line.grant_ms);
    }
    const auto assigned = addresses.Assign(devices);
    addresses.NewNetwork();
    Terminal &terminal = terminals[number];
    terminal.node = homes.Get(number);
    terminal.address = assigned.GetAddress(1);
    terminal.hops = way.hops;
    if (!is_loaded) {
      continue;
    }
    // Bulk transfers fill slow lines; fast ones carry streams.
    const bool is_slow = line.up_mbps < 25.0;
    const bool goes_up = happens(is_slow ? 0.4 : 0.5), goes_down = !goes_up || happens(0.4);
    if (goes_down) {
      add_flow(way.edge, terminal.node, assigned.GetAddress(1),
               {std::min(line.down_mbps, BUSY_MBPS_MAX) * uniform(0.1, 0.9), 1400, is_slow && happens(0.6), happens(0.5)});
    }
    if (goes_up) {
      add_flow(terminal.node, way.edge, assigned.GetAddress(0),
               {std::min(line.up_mbps, BUSY_MBPS_MAX) * uniform(0.1, 0.9), 1400, is_slow && happens(0.6), happens(0.5)});
    }
  }
  if (asks_gateway) {
    terminals.back().node = way.edge;
    terminals.back().address = way.edge_address;
    terminals.back().hops = way.hops - 1;
  }
  Ipv4GlobalRoutingHelper::PopulateRoutingTables();
  send_probes(way.scanner);
  run_and_print("ns3_wired_" + name + "_" + std::to_string(seed), is_loaded, end_s);
}

} // namespace

int main(int arguments, char **values) {
  const std::string world = arguments == 3 ? values[1] : "";
  if (world != "idle" && world != "loaded" && world != "calm" && world != "busy") {
    std::fprintf(stderr, "usage: wired WORLD SEED, with one of the worlds busy calm idle loaded\n");
    return 2;
  }
  run(world, std::strtoull(values[2], nullptr, 10));
  return 0;
}
