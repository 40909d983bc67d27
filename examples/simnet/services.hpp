/// \file
/// The kinds of services of the simulated network.
#pragma once

#include "world.hpp"

namespace simnet {

// Names are IANA's where IANA has one that people use.
inline constexpr Service kHttps{"https",     kTcp,         443,         {1, 8},
                                {300, 1500}, {500, 60000}, {20, 15000}, 6};
inline constexpr Service kHttp{"http", kTcp, 80, {1, 4}, {200, 900}, {300, 20000}, {10, 5000}, 2};
inline constexpr Service kHttpAlt{"http-alt",  kTcp,         8080,       {2, 20},
                                  {300, 4000}, {400, 30000}, {20, 8000}, 6};
inline constexpr Service kPostgres{"postgresql", kTcp,        5432,         {300, 1200},
                                   {80, 400},    {100, 6000}, {500, 20000}, 4};
inline constexpr Service kMysql{"mysql",   kTcp,        3306,         {300, 1000},
                                {80, 400}, {100, 5000}, {500, 20000}, 3};
inline constexpr Service kRedis{"redis",   kTcp,       6379,         {300, 1500},
                                {40, 200}, {10, 2000}, {200, 15000}, 4};
inline constexpr Service kMemcache{"memcache", kTcp,       11211,        {300, 1500},
                                   {30, 120},  {20, 4000}, {200, 15000}, 3};
inline constexpr Service kDns{"domain", kUdp, 53, {1, 1}, {28, 60}, {60, 400}, {1, 80}, 4};
inline constexpr Service kNtp{"ntp", kUdp, 123, {1, 1}, {48, 48}, {48, 48}, {1, 60}, 1};
inline constexpr Service kSmtp{"smtp", kTcp, 25, {4, 8}, {60, 20000}, {30, 120}, {100, 6000}, 1};
inline constexpr Service kSubmission{"submission", kTcp,      587,         {5, 9},
                                     {60, 30000},  {30, 200}, {200, 8000}, 1};
inline constexpr Service kImaps{"imaps",   kTcp,        993,          {4, 30},
                                {60, 200}, {80, 20000}, {500, 25000}, 2};
inline constexpr Service kLdap{"ldap", kTcp, 389, {2, 6}, {60, 300}, {100, 3000}, {5, 800}, 1};
inline constexpr Service kRsync{"rsync",         kTcp,          873, {3, 12}, {100, 2000},
                                {50000, 300000}, {2000, 25000}, 1,   true};
inline constexpr Service kNdmp{"ndmp",           kTcp,          10000, {4, 20}, {100, 500},
                               {100000, 500000}, {3000, 28000}, 1,     true};
inline constexpr Service kZabbix{"zabbix-agent", kTcp,     10050, {1, 3}, {30, 80},
                                 {20, 400},      {2, 200}, 2,     true};
inline constexpr Service kNodeExporter{"node-exporter", kTcp,      9100, {1, 2}, {150, 300},
                                       {20000, 90000},  {10, 400}, 2,    true};
inline constexpr Service kSyslog{"syslog", kUdp,      514, {1, 12}, {80, 600},
                                 {0, 0},   {1, 5000}, 2,   false,   Outcome::one_way};
inline constexpr Service kRawPrint{"pdl-datastream", kTcp,      9100,         {1, 4},
                                   {20000, 900000},  {20, 200}, {500, 20000}, 1};
inline constexpr Service kIpp{"ipp",          kTcp,       631,          {2, 6},
                              {5000, 300000}, {100, 600}, {300, 15000}, 1};
inline constexpr Service kSmb{"microsoft-ds", kTcp,         445,          {5, 60},
                              {100, 60000},   {200, 90000}, {100, 25000}, 3};
inline constexpr Service kNfs{"nfs",        kTcp,         2049,         {5, 80},
                              {100, 60000}, {100, 90000}, {100, 25000}, 3};
inline constexpr Service kIscsi{"iscsi",      kTcp,         3260,          {20, 200},
                                {500, 30000}, {500, 60000}, {2000, 29000}, 4};
inline constexpr Service kProxy{"squid",     kTcp,         3128,        {1, 10},
                                {300, 1500}, {500, 60000}, {50, 20000}, 4};
inline constexpr Service kDhcp{"bootps", kUdp, 67, {1, 2}, {250, 320}, {300, 340}, {1, 30}, 1};
inline constexpr Service kSip{"sip", kUdp, 5060, {1, 4}, {400, 900}, {300, 900}, {1, 900}, 2};
inline constexpr Service kTftp{"tftp", kUdp, 69, {1, 4}, {20, 60}, {200, 516}, {1, 400}, 1};
inline constexpr Service kRtsp{"rtsp",          kTcp,          554, {5, 40}, {100, 300},
                               {50000, 400000}, {5000, 29000}, 3};
inline constexpr Service kMqtt{"mqtt", kTcp, 1883, {1, 6}, {60, 400}, {4, 60}, {20, 3000}, 2};
inline constexpr Service kAmqp{"amqp",      kTcp,       5672,         {20, 200},
                               {100, 3000}, {50, 3000}, {500, 25000}, 3};
inline constexpr Service kKafka{"kafka",      kTcp,        9092,         {20, 200},
                                {300, 20000}, {50, 20000}, {500, 25000}, 3};
inline constexpr Service kWireGuard{"wireguard", kUdp,        51820,        {5, 60},
                                    {100, 1300}, {100, 1300}, {500, 25000}, 2};
inline constexpr Service kVmAgent{"ideafarm-door", kTcp,       902, {2, 20}, {200, 2000},
                                  {300, 8000},     {20, 5000}, 2,   true};
inline constexpr Service kKubelet{"kubelet",   kTcp,          10250,      {2, 20},
                                  {200, 1500}, {1000, 60000}, {20, 5000}, 2};
inline constexpr Service kKubeApi{"kubernetes", kTcp,         6443,         {3, 60},
                                  {200, 3000},  {500, 30000}, {100, 25000}, 3};
inline constexpr Service kEtcd{"etcd-client", kTcp,        2379,         {5, 60},
                               {100, 1500},   {100, 8000}, {100, 20000}, 2};
inline constexpr Service kSnmp{"snmp", kUdp, 161, {1, 8}, {60, 300}, {80, 1200}, {1, 600}, 2, true};
inline constexpr Service kRadius{"radius", kUdp, 1812, {1, 2}, {80, 300}, {40, 200}, {1, 200}, 1};
inline constexpr Service kFlowExport{"netflow", kUdp,      2055, {5, 20}, {400, 1400},
                                     {0, 0},    {1, 9000}, 2,    false,   Outcome::one_way};
inline constexpr Service kSsh{"ssh", kTcp, 22, {10, 80}, {40, 400}, {40, 4000}, {500, 29000}, 1};
// Where the port is 0, each server has one of its own, drawn by lot.
inline constexpr Service kRpcMapper{"epmap",    kTcp,       135,      {1, 2},
                                    {100, 200}, {100, 300}, {2, 200}, 0};
inline constexpr Service kRpcDynamic{"rpc",       kTcp,        0,          {2, 40},
                                     {100, 1000}, {100, 8000}, {20, 9000}, 2};
inline constexpr Service kShare{"share",       kTcp,         0, {2, 60}, {100, 1400},
                                {1000, 60000}, {100, 20000}, 2};
inline constexpr Service kGossip{"gossip", kUdp, 7946, {1, 4}, {60, 600}, {60, 600}, {1, 900}, 1};
inline constexpr Service kMonthly{"monthly",      kTcp,          0, {5, 40}, {1000, 20000},
                                  {10000, 90000}, {5000, 29000}, 0};

}  // namespace simnet
