// Which requests come in: names and addresses of hosts, pages of browsers, types of bodies.
#include "runtime/access/request_origin.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime::access {
namespace {

/// A node on 192.0.2.7:7117 that is also known as green.example, and a page that may ask it.
struct visit {
  std::vector<std::string> hosts{"Green.Example", "198.51.100.4", "2001:db8::9", "[2001:db8::a]"};
  std::vector<std::string> origins{"https://app.example", "http://localhost:3000"};
  std::string address = "192.0.2.7";
  request_facts asked{};

  entry judge() const {
    const door_facts door{address, 7117, [](const base::ip_address& one) {
                            return one == *base::parse_ip_address("203.0.113.5");
                          }};
    return request_origin{hosts, origins}.judge(asked, door);
  }
  entry host(std::string_view name) {
    asked.host = name;
    return judge();
  }
};

TEST(RequestOrigin, AnswersToItsOwnNamesHoweverTheyAreWritten) {
  for (const auto* host :
       {"localhost",    "LOCALHOST",           "localhost.",         "localhost:1",
        "127.0.0.1",    "127.0.0.1:7117",      "127.200.3.4",        "[::1]",
        "[::1]:7117",   "[0:0:0:0:0:0:0:1]:9", "[::ffff:127.0.0.1]", "192.0.2.7",
        "192.0.2.7:80", "[::ffff:192.0.2.7]",  "green.example",      "GREEN.example.:443",
        "198.51.100.4", "[2001:db8::9]:1",     "[2001:db8:0:0::a]",  "localhost:"})
    EXPECT_EQ(visit{}.host(host), entry::welcome) << host;
}

TEST(RequestOrigin, TurnsAwayWhoAsksForAnotherHost) {
  for (const auto* host :
       {"evil.example", "evil.example:7117", "localhost.evil.example", "evil.localhost",
        "notlocalhost", "127.0.0.1.evil.example", "sub.green.example", "green.example.evil",
        "192.0.2.8", "0.0.0.0", "[::]", "[::2]", "203.0.113.5", "127.1", "0x7f.0.0.1", "2130706433",
        "0177.0.0.1", "127.0.0.01", "198.51.100.44"})
    EXPECT_EQ(visit{}.host(host), entry::foreign_host) << host;
  for (const auto* host :
       {"", ":7117", ".", "a b", "localhost,evil", "http://localhost", "user@localhost", "[::1",
        "[localhost]", "[127.0.0.1]", "::1", "localhost:x", "localhost:99999", "localhost/",
        "[::1]x", "[1::2::3]", "[12345::]", "[::1:]"})
    EXPECT_EQ(visit{}.host(host), entry::bad_host) << host;
  // HTTP/1.0 has none, and no browser speaks that.
  EXPECT_EQ(visit{}.judge(), entry::welcome);
}

TEST(RequestOrigin, AnswersToEveryAddressOfTheMachineWhenAllAreListenedOn) {
  for (const auto* address : {"0.0.0.0", "::"}) {
    visit open;
    open.address = address;
    EXPECT_EQ(open.host("203.0.113.5:7117"), entry::welcome) << address;
    EXPECT_EQ(open.host("203.0.113.6:7117"), entry::foreign_host) << address;
    EXPECT_EQ(open.host("0.0.0.0:7117"), entry::foreign_host) << address;
    EXPECT_EQ(open.host("localhost"), entry::welcome) << address;
    EXPECT_EQ(open.host("machine.local"), entry::foreign_host) << address;
  }
}

TEST(RequestOrigin, LetsOnlyItsOwnAndListedPagesAsk) {
  struct row {
    const char* host;
    const char* origin;
    entry wanted;
  };
  for (const auto& [host, origin, wanted] : {
           row{"127.0.0.1:7117", "http://127.0.0.1:7117", entry::welcome},
           row{"localhost:7117", "http://localhost:7117", entry::welcome},
           row{"localhost:7117", "http://127.0.0.1:7117", entry::welcome},
           row{"green.example", "https://green.example", entry::welcome},
           row{"green.example", "https://green.example:443", entry::welcome},
           row{"green.example:8443", "https://GREEN.example:8443", entry::welcome},
           row{"[::1]:7117", "http://[::1]:7117", entry::welcome},
           row{"127.0.0.1:7117", "https://app.example", entry::welcome_page},
           row{"127.0.0.1:7117", "https://APP.example:443", entry::welcome_page},
           row{"127.0.0.1:7117", "http://localhost:3000", entry::welcome_page},
           row{"127.0.0.1:7117", "http://localhost:3001", entry::foreign_origin},
           row{"127.0.0.1:7117", "http://localhost", entry::foreign_origin},
           row{"127.0.0.1:7117", "http://app.example", entry::foreign_origin},
           row{"127.0.0.1:7117", "https://app.example.evil", entry::foreign_origin},
           row{"127.0.0.1:7117", "https://sub.app.example", entry::foreign_origin},
           row{"127.0.0.1:7117", "http://evil.example:7117", entry::foreign_origin},
           row{"127.0.0.1:7117", "ftp://127.0.0.1:7117", entry::foreign_origin},
           row{"127.0.0.1:7117", "null", entry::foreign_origin},
           row{"127.0.0.1:7117", "", entry::foreign_origin},
           row{"127.0.0.1:7117", "https://app.example/", entry::foreign_origin},
       }) {
    visit one;
    one.asked.origin = origin;
    EXPECT_EQ(one.host(host), wanted) << host << " from " << origin;
  }
}

TEST(RequestOrigin, BelievesTheBrowserWhereThePageComesFrom) {
  visit one;
  one.asked.fetch_site = "same-origin";
  EXPECT_EQ(one.host("localhost"), entry::welcome);
  one.asked.fetch_site = "none";
  EXPECT_EQ(one.host("localhost"), entry::welcome);
  for (const auto* site : {"cross-site", "same-site", "", "Same-Origin", "odd"}) {
    one.asked.fetch_site = site;
    EXPECT_EQ(one.host("localhost"), entry::foreign_site) << site;
  }
  // A listed page is of another site, and says which.
  one.asked.fetch_site = "cross-site";
  one.asked.origin = "https://app.example";
  EXPECT_EQ(one.host("localhost"), entry::welcome_page);
  one.asked.repeated = true;
  EXPECT_EQ(one.host("localhost"), entry::repeated_fields);
}

TEST(RequestOrigin, WantsJsonBodiesOfBrowsersAndAnyBodiesOfScripts) {
  struct row {
    std::optional<std::string_view> type;
    bool json;
  };
  for (const auto& [type, json] :
       {row{"application/json", true}, row{"application/json; charset=utf-8", true},
        row{"Application/JSON", true}, row{"application/merge-patch+json", true},
        row{"text/plain", false}, row{"text/plain;application/json", false}, row{{}, false},
        row{"application/x-www-form-urlencoded", false}, row{"multipart/form-data; a=b", false},
        row{"application/jsonp", false}, row{"application/+json", false},
        row{"text/json", false}}) {
    visit one;
    one.asked.host = "localhost";
    one.asked.changes = one.asked.has_body = true;
    one.asked.content_type = type;
    EXPECT_EQ(one.judge(), entry::welcome) << type.value_or("none");
    one.asked.fetch_site = "same-origin";
    EXPECT_EQ(one.judge(), json ? entry::welcome : entry::body_not_json) << type.value_or("none");
    one.asked.fetch_site.reset();
    one.asked.origin = "https://app.example";
    EXPECT_EQ(one.judge(), json ? entry::welcome_page : entry::body_not_json)
        << type.value_or("none");
    // What has no body needs no type, and what only reads neither.
    one.asked.changes = false;
    EXPECT_EQ(one.judge(), entry::welcome_page);
  }
  visit bare;
  bare.asked.host = "localhost";
  bare.asked.changes = true;
  bare.asked.origin = "https://app.example";
  EXPECT_EQ(bare.judge(), entry::welcome_page);
}

TEST(IpAddress, ReadsWhatIsOneAndNothingElse) {
  const auto bytes = [](const char* text) { return base::parse_ip_address(text); };
  EXPECT_EQ(bytes("::"), base::ip_address{});
  EXPECT_EQ(bytes("1:2:3:4:5:6:7:8"), bytes("0001:02:3:4:5:6:0.7.0.8"));
  EXPECT_EQ(bytes("fe80::1%eth0"), bytes("fe80::1"));
  EXPECT_EQ(bytes("::ffff:1.2.3.4"), bytes("1.2.3.4"));
  EXPECT_EQ(bytes("1::"), bytes("1:0::0"));
  EXPECT_TRUE(bytes("::1")->is_loopback());
  EXPECT_FALSE(bytes("::2")->is_loopback());
  EXPECT_TRUE(bytes("127.9.9.9")->is_loopback());
  EXPECT_FALSE(bytes("128.0.0.1")->is_loopback());
  EXPECT_TRUE(bytes("0.0.0.0")->is_unspecified());
  EXPECT_FALSE(bytes("0.0.0.1")->is_unspecified());
  for (const auto* text : {"",
                           ".",
                           "1.2.3",
                           "1.2.3.4.5",
                           "256.1.1.1",
                           "1.2.3.a",
                           "01.2.3.4",
                           "1.2.3.4 ",
                           "-1.2.3.4",
                           ":",
                           ":::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7::8:9",
                           "g::",
                           "1::2::3",
                           "::1.2.3",
                           "1.2.3.4::",
                           "12345::",
                           "1:2:3:4:5:6:7:8::"})
    EXPECT_FALSE(bytes(text)) << text;
}

}  // namespace
}  // namespace greenroom::runtime::access
