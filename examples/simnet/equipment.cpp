#include "equipment.hpp"

#include <array>

#include "services.hpp"

namespace simnet {
namespace {

/// Who is there, and who uses what; what vendors' port lists say of each.
class Fitter {
 public:
  explicit Fitter(const EquipmentSite& site, std::uint32_t sets) : site_(site), sets_(sets) {}

  void fit() {
    add();
    connect_office();
    connect_telephones();
    connect_cameras_and_sensors();
    connect_data();
    connect_platforms();
    connect_network();
    connect_access();
  }

 private:
  HostIndexes add(std::string_view name, std::string_view type, Segment segment,
                  std::uint32_t count) {
    return site_.add(name, type, segment, count * sets_);
  }

  void add() {
    printers_ = add("printer", "printer", Segment::office, 4);
    cameras_ = add("camera", "camera", Segment::office, 5);
    recorders_ = add("recorder", "server", Segment::services, 1);
    phones_ = add("phone", "voip", Segment::office, 8);
    exchanges_ = add("pbx", "voip", Segment::services, 1);
    sensors_ = add("sensor", "iot", Segment::office, 6);
    brokers_ = add("broker", "message_queue", Segment::app, 1);
    queues_ = add("queue", "message_queue", Segment::app, 2);
    files_ = add("files", "storage", Segment::data, 2);
    disks_ = add("disks", "storage", Segment::data, 1);
    clocks_ = add("clock", "ntp", Segment::services, 2);
    leases_ = add("leases", "dhcp", Segment::services, 1);
    proxies_ = add("webproxy", "proxy", Segment::dmz, 1);
    gateways_ = add("gateway", "vpn", Segment::dmz, 1);
    hypervisors_ = add("hypervisor", "hypervisor", Segment::app, 3);
    managers_ = add("vmanager", "server", Segment::services, 1);
    nodes_ = add("node", "container_host", Segment::app, 4);
    switches_ = add("switch", "network_device", Segment::services, 5);
    jumps_ = add("jump", "remote_access", Segment::services, 1);
  }

  [[nodiscard]] std::uint32_t one_of(const HostIndexes& hosts) {
    return hosts[site_.rng.below(hosts.size())];
  }
  void use_each(std::uint32_t client, const HostIndexes& servers, const Service& service) {
    for (const std::uint32_t server : servers) site_.use(client, server, service);
  }
  void each_use(const HostIndexes& clients, const HostIndexes& servers, const Service& service) {
    for (const std::uint32_t client : clients) site_.use(client, one_of(servers), service);
  }
  /// Some of the hosts use one server each.
  void some_use(const HostIndexes& clients, std::uint32_t percent, const HostIndexes& servers,
                const Service& service) {
    for (const std::uint32_t client : clients) {
      if (site_.rng.percent(percent)) site_.use(client, one_of(servers), service);
    }
  }

  /// One after the other, so that none has nobody.
  void share_out(const HostIndexes& clients, const HostIndexes& servers, const Service& service) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      site_.use(clients[i], servers[i % servers.size()], service);
    }
  }

  void connect_office() {
    const HostIndexes& clients = site_.all(Tier::client);
    some_use(clients, 60, printers_, kRawPrint);
    some_use(clients, 15, printers_, kIpp);
    some_use(clients, 50, files_, kSmb);
    some_use(clients, 40, proxies_, kProxy);
    each_use(proxies_, site_.all(Tier::web), kHttps);
    for (const std::uint32_t client : clients) {
      if (site_.rng.percent(70)) site_.ask_for_address(client, one_of(leases_));
    }
    for (const std::uint32_t printer : printers_) site_.ask_for_address(printer, one_of(leases_));
    each_use(printers_, site_.all(Tier::mail), kSmtp);  // scans are mailed
  }

  void connect_telephones() {
    share_out(phones_, exchanges_, kSip);
    share_out(phones_, exchanges_, kTftp);
    for (const std::uint32_t phone : phones_) {
      site_.use(phone, one_of(clocks_), kNtp);
      site_.ask_for_address(phone, one_of(leases_));
    }
    each_use(exchanges_, site_.all(Tier::directory), kLdap);
  }

  void connect_cameras_and_sensors() {
    for (std::size_t i = 0; i < cameras_.size(); ++i) {
      site_.use(recorders_[i % recorders_.size()], cameras_[i], kRtsp);
    }
    share_out(cameras_, clocks_, kNtp);
    some_use(site_.all(Tier::client), 10, recorders_, kHttps);
    share_out(sensors_, brokers_, kMqtt);
    for (const std::uint32_t sensor : sensors_) {
      if (site_.rng.percent(50)) site_.use(sensor, one_of(site_.all(Tier::dns)), kDns);
    }
    some_use(site_.all(Tier::app), 40, brokers_, kMqtt);
  }

  void connect_data() {
    const HostIndexes& applications = site_.all(Tier::app);
    some_use(applications, 70, queues_, kAmqp);
    some_use(applications, 40, queues_, kKafka);
    some_use(applications, 30, files_, kNfs);
    share_out(applications, queues_, kAmqp);
    each_use(site_.all(Tier::backup), files_, kNfs);
    each_use(files_, site_.all(Tier::directory), kLdap);
  }

  void connect_platforms() {
    for (std::size_t i = 0; i < hypervisors_.size(); ++i) {
      const std::uint32_t hypervisor = hypervisors_[i];
      use_each(hypervisor, disks_, kIscsi);
      const std::uint32_t manager = managers_[i % managers_.size()];
      site_.use(manager, hypervisor, kVmAgent);
      site_.use(manager, hypervisor, kHttps);
      site_.use(hypervisor, one_of(clocks_), kNtp);
      site_.use(hypervisor, one_of(site_.all(Tier::log)), kSyslog);
    }
    each_use(managers_, site_.all(Tier::database), kPostgres);
    some_use(site_.all(Tier::client), 8, managers_, kHttps);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      // Every fourth runs the control plane, as well as work.
      const std::size_t plane = i / 4 * 4;
      site_.use(nodes_[plane], nodes_[i], kKubelet);
      site_.use(nodes_[i], nodes_[plane], kKubeApi);
      if (i % 4 == 1) site_.use(nodes_[i], nodes_[plane], kEtcd);
      site_.use(nodes_[i], one_of(site_.all(Tier::dns)), kDns);
      use_each(one_of(site_.all(Tier::balancer)), {nodes_[i]}, kHttpAlt);
    }
  }

  void connect_network() {
    const HostIndexes& monitoring = site_.all(Tier::monitoring);
    for (const std::uint32_t device : switches_) {
      site_.use(monitoring.front(), device, kSnmp);
      site_.use(device, one_of(site_.all(Tier::log)), kSyslog);
      site_.use(device, one_of(site_.all(Tier::directory)), kRadius);
      site_.use(device, one_of(clocks_), kNtp);
      if (site_.rng.percent(60)) site_.use(device, one_of(site_.all(Tier::log)), kFlowExport);
    }
    use_each(monitoring.front(), printers_, kSnmp);
    each_use(site_.all(Tier::app), clocks_, kNtp);
    each_use(site_.all(Tier::database), clocks_, kNtp);
    each_use(site_.all(Tier::web), clocks_, kNtp);
  }

  void connect_access() {
    const HostIndexes& clients = site_.all(Tier::client);
    some_use(clients, 20, jumps_, kSsh);
    for (const std::uint32_t jump : jumps_) {
      use_each(jump, site_.all(Tier::app), kSsh);
      use_each(jump, site_.all(Tier::database), kSsh);
      use_each(jump, switches_, kSsh);
      each_use(jumps_, site_.all(Tier::directory), kLdap);
    }
    some_use(clients, 25, gateways_, kWireGuard);
    each_use(gateways_, site_.all(Tier::directory), kRadius);
  }

  const EquipmentSite& site_;
  const std::uint32_t sets_;
  HostIndexes printers_, cameras_, recorders_, phones_, exchanges_, sensors_, brokers_, queues_,
      files_, disks_, clocks_, leases_, proxies_, gateways_, hypervisors_, managers_, nodes_,
      switches_, jumps_;
};

}  // namespace

void add_equipment(const EquipmentSite& site, std::uint32_t sets) {
  if (sets > 0) Fitter(site, sets).fit();
}

std::string_view asset_type_of(Tier tier) noexcept {
  constexpr std::array<std::string_view, kTierCount> kTypes = {
      "workstation", "load_balancer", "web",           "server",    "database",
      "cache",       "dns",           "mail",          "directory", "backup",
      "monitoring",  "log_collector", "server",        "",          "network_device",
      "scanner",     "load_balancer", "load_balancer", "server",    ""};
  return kTypes[static_cast<std::size_t>(tier)];
}

}  // namespace simnet
