// What every world of ns-3 shares: chance, terminals with ports, probes and their answers, other traffic, the way there, and
// traces as CSV. No radio, no line: those are of the worlds.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

namespace probing {

using namespace ns3;

// IPv4 and UDP; sizes of probes are those of IP packets.
constexpr uint32_t HEADERS_BYTES = 28;
// Replies that come later are lost.
constexpr double REPLY_WAIT_S = 60.0;
constexpr double BACKGROUND_LEAD_S = 2.0;
constexpr double BACKGROUND_TRAIL_S = 0.3;
const std::vector<uint16_t> PORTS = {22, 23, 80, 443, 554, 1883, 5683, 7547, 8080, 8883};

// --- chance -------------------------------------------------------------------------------------------------------------

inline std::mt19937_64 chance;

inline void seed_chance(const std::string &world, uint64_t seed) {
  uint64_t sum = seed;
  for (const char letter : world) {
    sum = sum * 1099511628211ULL + static_cast<unsigned char>(letter);
  }
  chance.seed(sum);
  RngSeedManager::SetSeed(1 + sum % 4000000000ULL);
}

inline double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(chance); }
inline double log_uniform(double low, double high) { return std::exp(uniform(std::log(low), std::log(high))); }
inline double exponential(double mean) { return -mean * std::log(uniform(1e-9, 1.0)); }
inline int whole(int low, int high) { return std::uniform_int_distribution<int>(low, high)(chance); }
inline bool happens(double share) { return uniform(0.0, 1.0) < share; }

template <typename T> T one_of(const std::vector<T> &choices) { return choices[whole(0, choices.size() - 1)]; }

// --- terminals and probes -----------------------------------------------------------------------------------------------

struct Port {
  uint16_t number;
  bool is_open;
  bool is_blocked;
};

struct Terminal {
  std::string name, type, cause;
  Ptr<Node> node;
  Ipv4Address address;
  std::vector<Port> ports;
  double answer_delay_ms;
  int hops, first_ttl;
};

struct Probe {
  size_t terminal;
  Port port;
  double sent_s;
  double rtt_ms;
};

// Probes that follow each other without a pause.
struct Burst {
  double from_s, until_s;
};

struct Pace {
  int bursts, probes;
  // Between probes, and between the beginnings of bursts.
  double gap_least_s, gap_most_s, pause_least_s, pause_most_s;
  // Between the first probes of one terminal and the next.
  double apart_s;
};

inline std::vector<Terminal> terminals;
inline std::vector<Probe> probes;
inline std::vector<Burst> bursts;
inline std::vector<Ptr<Socket>> sockets;

inline Terminal draw_terminal(const std::string &name, const std::string &type, const std::string &cause, int ports_least,
                              int ports_most) {
  std::vector<uint16_t> numbers = PORTS;
  std::shuffle(numbers.begin(), numbers.end(), chance);
  Terminal terminal{name, type, cause, nullptr, Ipv4Address(), {}, log_uniform(0.03, 1.0), 0, one_of<int>({64, 128, 255})};
  const int ports = whole(ports_least, ports_most);
  const int blocked = cause == "ports_blocked" ? whole(1, ports - 2) : 0;
  for (int port = 0; port < ports; ++port) {
    terminal.ports.push_back({numbers[port], happens(0.55), port < blocked});
  }
  return terminal;
}

// Over shuffled ports; returns when the last probe is sent, in seconds.
inline double plan_probes(double from_s, const Pace &pace) {
  for (int burst = 0; burst < pace.bursts; ++burst) {
    double last_s = from_s;
    for (size_t number = 0; number < terminals.size(); ++number) {
      double at_s = from_s + pace.apart_s * number + uniform(0.0, 0.3);
      std::vector<Port> left;
      for (int probe = 0; probe < pace.probes; ++probe) {
        if (left.empty()) {
          left = terminals[number].ports;
          std::shuffle(left.begin(), left.end(), chance);
        }
        probes.push_back({number, left.back(), at_s, NAN});
        left.pop_back();
        last_s = std::max(last_s, at_s);
        at_s += uniform(pace.gap_least_s, pace.gap_most_s);
      }
    }
    bursts.push_back({from_s, last_s});
    from_s = std::max(from_s + uniform(pace.pause_least_s, pace.pause_most_s), last_s + 4.0);
  }
  return bursts.back().until_s;
}

inline Ptr<Packet> packet_of(uint32_t number, uint32_t ip_bytes) {
  std::vector<uint8_t> bytes(ip_bytes - HEADERS_BYTES, 0);
  std::memcpy(bytes.data(), &number, sizeof number);
  return Create<Packet>(bytes.data(), bytes.size());
}

inline uint32_t number_in(const Ptr<Packet> &packet) {
  uint32_t number = 0;
  packet->CopyData(reinterpret_cast<uint8_t *>(&number), sizeof number);
  return number;
}

inline void answer(Ptr<Socket> socket) {
  Address from;
  while (Ptr<Packet> packet = socket->RecvFrom(from)) {
    const uint32_t number = number_in(packet);
    const Probe &probe = probes[number];
    // A refusal is a bare header; an acceptance carries options.
    const uint32_t bytes = probe.port.is_open ? 44 + 4 * whole(0, 4) : 40;
    const double delay_ms = terminals[probe.terminal].answer_delay_ms * (0.6 + exponential(0.4));
    Simulator::Schedule(Seconds(delay_ms / 1e3),
                        [socket, from, number, bytes] { socket->SendTo(packet_of(number, bytes), 0, from); });
  }
}

inline void hear(Ptr<Socket> socket) {
  while (Ptr<Packet> packet = socket->Recv()) {
    Probe &probe = probes[number_in(packet)];
    const double rtt_s = Simulator::Now().GetSeconds() - probe.sent_s;
    if (std::isnan(probe.rtt_ms) && rtt_s <= REPLY_WAIT_S) {
      probe.rtt_ms = rtt_s * 1e3;
    }
  }
}

// From `scanner`, once all terminals have their nodes and addresses.
inline void send_probes(Ptr<Node> scanner) {
  Ptr<Socket> asking = Socket::CreateSocket(scanner, UdpSocketFactory::GetTypeId());
  asking->Bind();
  asking->SetRecvCallback(MakeCallback(&hear));
  sockets.push_back(asking);
  const uint32_t bytes = 44 + 4 * whole(0, 4);
  for (uint32_t number = 0; number < probes.size(); ++number) {
    const Probe &probe = probes[number];
    const InetSocketAddress to(terminals[probe.terminal].address, probe.port.number);
    Simulator::Schedule(Seconds(probe.sent_s),
                        [asking, to, number, bytes] { asking->SendTo(packet_of(number, bytes), 0, to); });
  }
  for (const Terminal &terminal : terminals) {
    for (const Port &port : terminal.ports) {
      Ptr<Socket> socket = Socket::CreateSocket(terminal.node, UdpSocketFactory::GetTypeId());
      socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), port.number));
      if (!port.is_blocked) {
        socket->SetRecvCallback(MakeCallback(&answer));
      }
      sockets.push_back(socket);
    }
  }
}

// --- other traffic ------------------------------------------------------------------------------------------------------

struct Flow {
  double mbps;
  uint32_t bytes;
  bool is_tcp, is_bursty;
};

// Around every burst of probes, from before its first until after its last.
inline void add_flow(Ptr<Node> from, Ptr<Node> to, Ipv4Address address, const Flow &flow) {
  static uint16_t next_port = 20000;
  const InetSocketAddress sink_address(address, next_port++);
  const std::string factory = flow.is_tcp ? "ns3::TcpSocketFactory" : "ns3::UdpSocketFactory";
  PacketSinkHelper(factory, sink_address).Install(to).Start(Seconds(0.5));
  for (const Burst &burst : bursts) {
    ApplicationContainer source;
    if (flow.is_tcp) {
      source = BulkSendHelper(factory, sink_address).Install(from);
    } else {
      const double share_on = flow.is_bursty ? 0.5 : 1.0;
      OnOffHelper on_off(factory, sink_address);
      on_off.SetAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(flow.mbps * 1e6 / share_on))));
      on_off.SetAttribute("PacketSize", UintegerValue(flow.bytes));
      const auto lasting = [&](const char *bursty, const char *steady) { return StringValue(flow.is_bursty ? bursty : steady); };
      on_off.SetAttribute("OnTime", lasting("ns3::ExponentialRandomVariable[Mean=0.2]", "ns3::ConstantRandomVariable[Constant=1000]"));
      on_off.SetAttribute("OffTime", lasting("ns3::ExponentialRandomVariable[Mean=0.2]", "ns3::ConstantRandomVariable[Constant=0]"));
      source = on_off.Install(from);
    }
    source.Start(Seconds(burst.from_s - BACKGROUND_LEAD_S + uniform(0.0, 0.5)));
    source.Stop(Seconds(burst.until_s + BACKGROUND_TRAIL_S));
  }
}

// --- the way there ------------------------------------------------------------------------------------------------------

// The wait for a grant on an access line, drawn anew every few milliseconds.
inline void vary_delay(Ptr<Channel> line, double least_ms, double spread_ms) {
  line->SetAttribute("Delay", TimeValue(Seconds((least_ms + uniform(0.0, spread_ms)) / 1e3)));
  Simulator::Schedule(MilliSeconds(5), &vary_delay, line, least_ms, spread_ms);
}

// Routers between the scanner and the edge: their delays as one, and two links of which each may be narrow, with traffic across.
struct Way {
  Ptr<Node> scanner, edge;
  Ipv4Address edge_address;
  // Routers up to the terminals, the last one of which serves them.
  int hops;
};

inline Way build_way(InternetStackHelper &internet, double narrow_share) {
  NodeContainer nodes;
  nodes.Create(3);
  internet.Install(nodes);
  Way way{nodes.Get(0), nodes.Get(2), Ipv4Address(), whole(7, 16)};
  const double scale = uniform(0.5, 1.3);
  double delay_ms = 0.0;
  for (int link = 0; link < way.hops; ++link) {
    delay_ms += std::clamp(scale * log_uniform(0.1, 4.0), 0.1, 4.0);
  }
  for (int part = 0; part < 2; ++part) {
    const bool is_narrow = happens(narrow_share);
    const double mbps = is_narrow ? uniform(8.0, 20.0) : 1000.0;
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(mbps * 1e6))));
    link.SetChannelAttribute("Delay", TimeValue(Seconds(delay_ms / 2e3)));
    Ipv4AddressHelper addresses(part == 0 ? "10.1.0.0" : "10.2.0.0", "255.255.255.0");
    const auto assigned = addresses.Assign(link.Install(nodes.Get(part), nodes.Get(part + 1)));
    way.edge_address = assigned.GetAddress(1);
    if (is_narrow) {
      add_flow(nodes.Get(part), nodes.Get(part + 1), assigned.GetAddress(1), {mbps * uniform(0.18, 0.42), 1000, false, true});
    }
  }
  return way;
}

// --- the run ------------------------------------------------------------------------------------------------------------

inline void run_and_print(const std::string &scenario, bool has_background, double end_s) {
  Simulator::Stop(Seconds(end_s));
  Simulator::Run();
  std::printf("scenario,terminal,network_type,background,cause,hop_count,ttl_seen,port,t_send_s,rtt_ms,reply\n");
  for (const Probe &probe : probes) {
    const Terminal &terminal = terminals[probe.terminal];
    std::printf("%s,%s,%s,%d,%s,%d,", scenario.c_str(), terminal.name.c_str(), terminal.type.c_str(), has_background,
                terminal.cause.c_str(), terminal.hops);
    if (std::isnan(probe.rtt_ms)) {
      std::printf(",%u,%.6f,,none\n", probe.port.number, probe.sent_s);
    } else {
      std::printf("%d,%u,%.6f,%.4f,%s\n", terminal.first_ttl - terminal.hops, probe.port.number, probe.sent_s, probe.rtt_ms,
                  probe.port.is_open ? "synack" : "rst");
    }
  }
  Simulator::Destroy();
}

} // namespace probing
