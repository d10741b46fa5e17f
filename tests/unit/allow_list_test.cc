// Which targets a module may be asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "exporter/targets/allow_list.h"

namespace dbpool::exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

AllowList list(Texts hosts, const Texts& networks = {}) {
  AllowList list;
  list.hosts = std::move(hosts);
  for (const std::string& text : networks) {
    const auto network = Network::parse(text);
    EXPECT_TRUE(network) << text;
    if (network) list.networks.push_back(*network);
  }
  return list;
}

bool allows(const AllowList& list, const std::string& text) {
  const auto target = parse_target(text);
  EXPECT_TRUE(target) << text;
  return target && list.allows(*target);
}

AddressKind kind(const std::string& text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address ? address->kind() : AddressKind::kNever;
}

TEST(IpAddressTest, OfTheKindThatItReallyLeadsTo) {
  for (const char* text :
       {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1",
        "::ffff:7f00:1", "64:ff9b::127.0.0.1", "2002:7f00:1::"}) {
    EXPECT_EQ(kind(text), AddressKind::kLoopback) << text;
  }
  for (const char* text :
       {"169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"}) {
    EXPECT_EQ(kind(text), AddressKind::kLinkLocal) << text;
  }
  for (const char* text :
       {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "ff02::1", "::127.0.0.1", "::2",
        "2001:0:1::", "64:ff9b:1::7f00:1", "64:ff9b::"}) {
    EXPECT_EQ(kind(text), AddressKind::kNever) << text;
  }
  for (const char* text : {"10.0.0.1", "192.168.1.1", "8.8.8.8", "fd00::1",
                           "2001:db8::1", "64:ff9b::8.8.8.8", "fec0::1"}) {
    EXPECT_EQ(kind(text), AddressKind::kOrdinary) << text;
  }
}

TEST(NetworkTest, HoldsItsAddressesAndNoOthers) {
  const auto ten = *Network::parse("10.0.0.0/9");
  EXPECT_TRUE(ten.contains(*IpAddress::parse("10.127.255.255")));
  EXPECT_TRUE(ten.contains(*IpAddress::parse("::ffff:10.0.0.1")));
  EXPECT_FALSE(ten.contains(*IpAddress::parse("10.128.0.0")));
  const auto all_v6 = *Network::parse("::/0");
  EXPECT_TRUE(all_v6.contains(*IpAddress::parse("fd00::1")));
  EXPECT_FALSE(all_v6.contains(*IpAddress::parse("10.0.0.1")));
  const auto all_v4 = *Network::parse("0.0.0.0/0");
  EXPECT_TRUE(all_v4.contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_FALSE(all_v4.contains(*IpAddress::parse("fd00::1")));
  const auto one = *Network::parse("10.0.0.7");
  EXPECT_EQ(one.text(), "10.0.0.7/32");
  EXPECT_FALSE(one.contains(*IpAddress::parse("10.0.0.6")));
  EXPECT_EQ(Network::parse("::ffff:10.0.0.0/104")->text(), "10.0.0.0/8");
  EXPECT_EQ(Network::parse("fd00::/8")->text(), "fd00::/8");
}

TEST(NetworkTest, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
        "10.0.0.1/8", "10/8", "::1/64", "fd00::/129", "db/8", "10.0.0.0/8/8",
        "10.0.0.0 /8"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

TEST(AllowListTest, APortMustBeInOneOfTheRangesWhereThereAreAny) {
  AllowList allowed = list({"db"}, {"10.0.0.0/8"});
  EXPECT_TRUE(allows(allowed, "db:22"));
  allowed.ports = {{5432, 5432}, {6432, 6440}};
  for (const char* text : {"db", "db:5432", "db:6432", "10.0.0.1:6440"}) {
    EXPECT_TRUE(allows(allowed, text)) << text;
  }
  for (const char* text : {"db:5431", "db:6441", "10.0.0.1:22"}) {
    EXPECT_FALSE(allows(allowed, text)) << text;
  }
}

TEST(AllowListTest, ANameMustBeOneOfTheHosts) {
  const AllowList some = list({"db1.example.org", "*.db.example.org"});
  EXPECT_TRUE(allows(some, "db1.example.org"));
  EXPECT_TRUE(allows(some, "DB1.EXAMPLE.ORG./x"));
  EXPECT_TRUE(allows(some, "a.db.example.org"));
  EXPECT_TRUE(allows(some, "a.b.db.example.org:1/x"));
  for (const char* text :
       {"db.example.org", "evildb.example.org", "db2.example.org",
        "db1.example.org.evil.com", "xdb1.example.org", "example.org",
        "localhost", "10.0.0.1", "[fd00::1]"}) {
    EXPECT_FALSE(allows(some, text)) << text;
  }
}

TEST(AllowListTest, AnAddressMustBeInANetwork) {
  const AllowList some = list({"*.example.org"}, {"10.0.0.0/8", "fd00::/8"});
  EXPECT_TRUE(allows(some, "10.1.2.3"));
  EXPECT_TRUE(allows(some, "[::ffff:10.1.2.3]"));
  EXPECT_TRUE(allows(some, "[fd00::1]:1/x"));
  for (const char* text : {"11.1.2.3", "[fe80::1]", "[2001:db8::1]", "db",
                           "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"}) {
    EXPECT_FALSE(allows(some, text)) << text;
  }
}

TEST(AllowListTest, NetworksAloneAllowNoName) {
  EXPECT_FALSE(allows(list({}, {"0.0.0.0/0", "::/0"}), "db.example.org"));
  EXPECT_TRUE(allows(list({"*"}, {"10.0.0.0/8"}), "db.example.org"));
}

TEST(AllowListTest, LoopbackAndLinkLocalMustBeAllowedBesideTheirNetwork) {
  AllowList all = list({"*"}, {"0.0.0.0/0", "::/0"});
  for (const char* text : {"127.0.0.1", "[::1]", "169.254.169.254", "[fe80::1]",
                           "[::ffff:169.254.169.254]"}) {
    EXPECT_FALSE(allows(all, text)) << text;
  }
  all.allow_loopback = true;
  EXPECT_TRUE(allows(all, "127.0.0.1"));
  EXPECT_TRUE(allows(all, "[::1]"));
  EXPECT_FALSE(allows(all, "169.254.169.254"));
  all.allow_link_local = true;
  EXPECT_TRUE(allows(all, "169.254.169.254"));
  for (const char* text : {"0.0.0.0", "[::]", "255.255.255.255", "224.0.0.1"}) {
    EXPECT_FALSE(allows(all, text)) << text;
  }
  AllowList other = list({}, {"10.0.0.0/8"});
  other.allow_loopback = true;
  EXPECT_FALSE(allows(other, "127.0.0.1"));
}

TEST(AllowListTest, OfANamesAddressesThoseAreUsedThatAreAllowed) {
  const AllowList anywhere = list({"*.example.org"});
  EXPECT_THAT(anywhere.usable({"10.0.0.1", "127.0.0.1", "8.8.8.8", "::1",
                               "169.254.169.254", "0.0.0.0", "fe80::1%eth0",
                               "::ffff:127.0.0.1", "junk", ""}),
              ElementsAre("10.0.0.1", "8.8.8.8"));
  const AllowList ours = list({"*.example.org"}, {"10.0.0.0/8"});
  EXPECT_THAT(ours.usable({"8.8.8.8", "10.0.0.1", "fd00::1"}),
              ElementsAre("10.0.0.1"));
  EXPECT_THAT(ours.usable({"8.8.8.8"}), IsEmpty());
  AllowList local = list({"*.example.org"});
  local.allow_link_local = true;
  EXPECT_THAT(local.usable({"fe80::1%eth0"}), ElementsAre("fe80::1%eth0"));
}

}  // namespace
}  // namespace dbpool::exporter
