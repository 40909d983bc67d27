// The rules that FlowLens comes with. What they say is what such machines are known to do: which ports
// they have open, what they need from others, how many ask them, which way the octets go. Weights are
// log-odds: about 1 is a hint, 3 is strong, 4.5 is near proof. docs/classification.md explains.
#include "flowlens/classification_rules.hpp"

namespace flowlens {

namespace {

constexpr std::string_view kRules = R"rules(
# type         | service               | condition                     | weight | what it means

# Data
database       | serves database       |                               | 4.5 |
database       | serves database       | peers >= 2                    | 1   | several use it
database       | serves database       | flow share > 0.5              | 1   | most of what it does
cache          | serves cache          |                               | 4.5 |
cache          | serves cache          | peers >= 2                    | 1   | several use it
cache          | serves cache          | flow share > 0.5              | 1   | most of what it does
message_queue  | serves message_queue  |                               | 4.5 |
message_queue  | serves message_queue  | peers >= 2                    | 1   | several use it
message_queue  | serves mqtt           |                               | 3.5 |
message_queue  | serves mqtt           | peers >= 2                    | 1.5 | several use it
storage        | serves block_storage  |                               | 4.5 |
storage        | serves block_storage  | octet share > 0.5             | 1   | most of its octets
storage        | serves file_share     |                               | 2   |
storage        | serves file_share     | peers >= 2                    | 1.5 | several use it
storage        | serves file_share     | octet share > 0.5             | 2   | most of its octets
storage        | serves file_share     | serves in (ldap, kerberos)    | -3.5 | domain controllers share policies
storage        | serves file_share     | serves = print                | -3   | print servers and printers take jobs so

# Names, accounts, time, addresses
dns            | serves dns            |                               | 4   |
dns            | serves dns            | peers >= 3                    | 1   | many ask it
dns            | serves dns            | flow share > 0.5              | 1   | most of what it does
dns            | serves dns            | serves in (ldap, kerberos)    | -3.5 | domain controllers answer names as well
directory      | serves ldap           |                               | 4   |
directory      | serves kerberos       |                               | 3   |
directory      | serves ldap           | peers >= 2                    | 1   | several ask it
directory      | serves ldap           | serves in (kerberos, dns)     | 2   | with names or tickets beside it
ntp            | serves ntp            |                               | 2.5 |
ntp            | serves ntp            | flow share > 0.5              | 3   | most of what it does
ntp            | serves ntp            | serves in (dns, ldap, dhcp, kerberos) | -2.5 | others tell the time by the way
dhcp           | serves dhcp           |                               | 3   |
dhcp           | serves dhcp           | peers >= 3                    | 1.5 | many ask it
dhcp           | serves dhcp           | serves in (ldap, kerberos)    | -3  | domain controllers do so by the way

# Web, and what stands before it
web            | serves web            |                               | 2.5 |
web            | serves web            | peers >= 3                    | 1   | many ask it
web            | serves web            | flow share > 0.4              | 1   | most of what it does
web            | serves web            | external clients >= 1         | 1   | from outside, too
web            | serves web            | client type = load_balancer   | 1.5 | a load balancer among them
web            | serves web            | uses = web_alt                | 0.5 | asks application servers
web            | serves web            | serves in (print, camera, hypervisor, container_host, smtp, mail_access, ldap, sip, iot, vpn, file_share, block_storage) | -2 | a page beside its real work
web            | uses web              | serves = web and peers >= 2 and flow share > 0.3 | -2.5 | it passes on as much as it is asked
web            | serves web_alt        | people > 0.5 and peers >= 3   | 1.5 | people ask it
load_balancer  |                       | intermediary = load_balancer and not serves = proxy | 7 | passes on what it is asked to several others
load_balancer  | uses web              | serves = web and peers >= 2 and flow share > 0.3 | 4 | spreads what it is asked over several
load_balancer  | uses web              | serves = web and peers >= 2 and flow share > 0.3 and clients >= 3 | 1 | many ask it
load_balancer  | uses web              | serves = web and peers >= 3 and not uses in (database, cache, message_queue) | 5 | asks several web servers, and no data
web            | uses web              | serves = web and peers >= 3 and not uses in (database, cache, message_queue) | -2 | asks several web servers, and no data
web            | uses camera           | serves = web and peers >= 2   | -3  | a page to show what cameras see
proxy          | serves proxy          |                               | 4.5 |
proxy          | serves proxy          | peers >= 2                    | 1   | several ask it
server         | serves web_alt        | port = 8080 and external servers >= 20 and people > 0.5 | -2 | people reach many outside through it
proxy          | serves web_alt        | port = 8080 and external servers >= 20 and people > 0.5 | 4 | people reach many outside through it
server         | serves web_alt        |                               | 2.5 |
server         | serves web_alt        | peers >= 2                    | 1   | several ask it
server         | serves web_alt        | uses in (database, cache, message_queue) | 1.5 | with data behind it
server         | serves web            | uses in (database, cache, message_queue) | 0.5 | with data behind it

# Mail
mail           | serves mail_access    |                               | 4   |
mail           | serves mail_access    | peers >= 2                    | 1   | several fetch or send there
mail           | serves smtp           |                               | 3   |
mail           | serves smtp           | peers >= 2                    | 1   | several send there
mail           | serves smtp           | uses = smtp                   | 1   | and passes it on

# Operations
backup         | serves backup         | peers >= 3                    | 5   | many bring their data
backup         | serves backup         | peers >= 3 and to server > 0.7 | 1   | it takes much and gives little
backup         | uses backup           | peers >= 2                    | 4   | fetches the data of several
backup         | uses backup           | peers >= 2 and octet share > 0.4 | 1.5 | most of its octets
monitoring     | uses agent            | peers >= 2                    | 3   | asks the agents of several
monitoring     | uses agent            | peers >= 5                    | 2   | asks the agents of many
monitoring     | uses agent            | flow share > 0.4              | 1   | most of what it does
monitoring     | uses snmp             | peers >= 3                    | 3   | asks many devices
monitoring     | uses snmp             | peers >= 8                    | 1.5 | asks very many devices
monitoring     | uses snmp             | flow share > 0.4              | 1.5 | most of what it does
monitoring     | serves monitoring     | peers >= 2                    | 3   | several report to it
log_collector  | serves log            |                               | 3.5 |
log_collector  | serves log            | peers >= 3                    | 1.5 | many report to it
log_collector  | serves log            | flow share > 0.3              | 1   | most of what it does
log_collector  | serves log            | uses in (snmp, agent)         | -1.5 | monitoring takes messages as well
log_collector  | serves flow_export    |                               | 3   |
remote_access  | serves desktop        | peers >= 4                    | 3.5 | many work on it
remote_access  | serves shell          | uses in (shell, desktop) and peers >= 2 | 3 | one logs in to it and on to others
remote_access  | uses shell            | peers >= 3 and serves in (shell, desktop, vpn, web) | 2.5 | leads to many others
remote_access  | uses desktop          | peers >= 3 and serves in (shell, desktop, vpn, web) | 3.5 | leads to many others
vpn            | serves vpn            |                               | 3.5 |
vpn            | serves vpn            | peers >= 2                    | 1.5 | several come in through it
vpn            | serves vpn            | external clients >= 1         | 1   | from outside
scanner        |                       | used ports >= 10 and servers >= 15 and mean octets < 400 | 5 | asks many ports of many hosts and says next to nothing
scanner        |                       | used ports >= 30 and servers >= 10 | 4 | tries many ports of many hosts
scanner        |                       | used ports >= 100             | 3   | tries very many ports

# Where others run
hypervisor     | serves hypervisor     |                               | 4.5 |
hypervisor     | uses block_storage    | serves = hypervisor           | 1   | with its disks elsewhere
container_host | serves container_host |                               | 4   |
container_host | uses container_host   | serves = container_host       | 1.5 | talks to its like
hypervisor     | uses hypervisor       | peers >= 2 and serves = hypervisor | 1 | talks to its like
server         | uses hypervisor       | peers >= 2 and not serves = hypervisor | 3.5 | manages several hypervisors

# Devices
printer        | serves print          |                               | 4.5 |
printer        | serves print          | to server > 0.6               | 1   | it takes much and gives little
printer        | serves print          | uses = print                  | -5  | it passes jobs on
server         | uses print            | serves in (print, file_share) | 5.5 | takes jobs and passes them on to printers
camera         | serves camera         |                               | 4.5 |
camera         | serves camera         | to server < 0.3               | 1   | it sends much and takes little
camera         | serves camera         | uses = camera                 | -5  | it shows what others see
server         | uses camera           | peers >= 2                    | 5   | records several cameras
voip           | serves sip            |                               | 4   |
voip           | serves sip            | peers >= 3                    | 1   | many are connected by it
voip           | uses sip              | internal                      | 3   |
voip           | uses sip              | servers <= 6                  | 1.5 | and does little else
voip           | uses sip              | uses = mail_access            | -3  | a program on somebody's machine
iot            | serves iot            |                               | 4   |
iot            | uses iot              | internal                      | 2.5 |
iot            | uses mqtt             | internal                      | 3   |
iot            | uses mqtt             | servers <= 4 and clients <= 2 | 1.5 | and does little else
iot            | uses mqtt             | serves in (web, web_alt)      | -3.5 | a program that reads what they say
iot            | uses mqtt             | uses in (database, cache)     | -2.5 | a program that reads what they say
server         | uses mqtt             | uses in (database, cache)     | 2   | reads what devices say, and keeps it
network_device | uses flow_export      |                               | 3.5 |
network_device | uses aaa              |                               | 2.5 |
network_device | serves routing        |                               | 3   |
network_device | uses routing          |                               | 3   |
network_device | serves snmp           |                               | 1   |
network_device | serves snmp           | uses = log and not serves in (print, camera, web_alt, database) | 2 | asked for counters, and reports
network_device | serves shell          | serves = snmp                 | 1   | is managed by command line and counters
network_device |                       | gateway = yes                 | 4.5 | routers send on to it
network_device |                       | intermediary = source_nat     | 5   | asks for many others under its own address
network_device |                       | clients = 0 and intermediary = source_nat | 1 | serves nothing itself

# Servers of other kinds
server         | serves other          | peers >= 2                    | 2.5 | several use it
server         | serves other          | peers >= 5                    | 1   | many use it
server         | serves other          |                               | 1   |
server         | serves rpc            | peers >= 3                    | 2.5 | many ask it
server         | serves aaa            |                               | 4   |
server         | serves aaa            | serves in (ldap, kerberos)    | -3  | domain controllers do so by the way
server         | serves tftp           | peers >= 2                    | 2.5 | several fetch from it
server         | serves management     | peers >= 4                    | 3.5 | many are managed by it
server         | serves agent          |                               | 1   | it is monitored
server         | serves backup         | peers <= 2                    | 1   | it is backed up
server         | uses database         | not serves in (web, container_host, hypervisor, smtp, mail_access, proxy, ldap) | 1.5 |
server         | uses cache            | not serves in (web, container_host, hypervisor, smtp, mail_access, proxy, ldap) | 1.5 |
server         | uses message_queue    | not serves in (web, container_host, hypervisor, smtp, mail_access, proxy, ldap) | 1.5 |

# What people sit at
workstation    |                       | internal and clients = 0 and servers >= 2 | 2 | nobody depends on it
workstation    |                       | internal and active < 0.6     | 1.5 | it rests for hours
workstation    |                       | used ports >= 10 and servers >= 15 and mean octets < 400 | -4 | asks many and says next to nothing
workstation    |                       | clients >= 5                  | -2  | many depend on it
workstation    | uses web              | internal                      | 1.2 |
workstation    | uses mail_access      | internal                      | 2   |
workstation    | uses print            | internal                      | 3   |
workstation    | uses proxy            | internal                      | 1.5 |
workstation    | uses file_share       | internal                      | 1   |
workstation    | uses kerberos         | internal                      | 1   |
workstation    | uses ldap             | internal                      | 0.5 |
workstation    | uses discovery        | internal                      | 0.5 |
workstation    | uses desktop          | internal                      | 1   |
workstation    | uses vpn              | internal                      | 1   |
workstation    | uses web              | internal and external servers >= 5 | 1 | many pages outside
workstation    | uses agent            | peers >= 2                    | -3  | that is monitoring's work
workstation    | uses backup           | peers >= 2                    | -3  | that is a backup's work
workstation    | uses cache            |                               | -2  | that is a server's work
workstation    | uses message_queue    |                               | -2  | that is a server's work
workstation    | serves agent          |                               | -0.5 | it is monitored
)rules";

}  // namespace

std::string_view default_classification_rules() noexcept { return kRules; }

}  // namespace flowlens
