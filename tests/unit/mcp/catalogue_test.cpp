// Offers of several servers, as clients see them.
#include "runtime/mcp/catalogue.hpp"
#include "runtime/mcp/outside_names.hpp"
#include "runtime/mcp/uri_template.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace greenroom::runtime::mcp {
namespace {

using std::chrono::seconds;

// -- names --------------------------------------------------------------------

std::string outside(const std::vector<name_source>& sources, std::size_t which) {
  const outside_names names{sources};
  const auto found = std::string{names.outside_of(sources[which].own)};
  const auto* const back = names.find(found);
  EXPECT_TRUE(back != nullptr && *back == sources[which].own) << found;
  return found;
}

name_source named(const std::string& server, const std::string& name) {
  return {{server, name}, server};
}

TEST(OutsideNames, HaveTheServerInFront) {
  EXPECT_EQ(outside({named("git", "log")}, 0), "git__log");
  EXPECT_EQ(outside({{{"api-architect", "api-architect"}, ""}}, 0), "api-architect");
  EXPECT_EQ(outside({{{"workflows", "BUILD"}, "workflow"}}, 0), "workflow__BUILD");
}

TEST(OutsideNames, AreShortenedFromSixtyFiveLettersOn) {
  const auto fits = named("server", std::string(64 - 8, 'x'));
  EXPECT_EQ(outside({fits}, 0), "server__" + std::string(56, 'x'));
  const auto longer = named("server", std::string(64 - 7, 'x'));
  const auto name = outside({longer}, 0);
  EXPECT_EQ(name.size(), 64U);
  EXPECT_EQ(name, hashed_name(longer));
  EXPECT_TRUE(name.starts_with("server__xxx"));
  // Names that differ at their very end differ.
  auto other = longer;
  other.own.name.back() = 'y';
  EXPECT_NE(outside({longer, other}, 0), outside({longer, other}, 1));
}

TEST(OutsideNames, ReplaceLettersThatClientsRefuse) {
  const auto name = outside({named("a.b", "c/d ö")}, 0);
  EXPECT_TRUE(name.starts_with("a_b__c_d____"));
  EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-"), std::string::npos);
}

TEST(OutsideNames, ThatClashAreBothShortenedInAnyOrder) {
  const std::vector<name_source> sources{named("a", "b__c"), named("a__b", "c"), named("a", "d")};
  const auto first = outside(sources, 0), second = outside(sources, 1);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, hashed_name(sources[0]));
  EXPECT_EQ(second, hashed_name(sources[1]));
  EXPECT_EQ(outside(sources, 2), "a__d");
  auto turned = sources;
  std::reverse(turned.begin(), turned.end());
  EXPECT_EQ(outside(turned, 2), first);
}

TEST(OutsideNames, DoNotTakeTheHashedNameOfAnother) {
  const auto longer = named("server", std::string(80, 'x'));
  // A name that looks like the hash of another one.
  const name_source thief{{"thief", hashed_name(longer)}, ""};
  const std::vector<name_source> sources{longer, thief};
  EXPECT_EQ(outside(sources, 1), hashed_name(longer));
  EXPECT_EQ(outside(sources, 0), hashed_name(longer, 11));
}

TEST(OutsideNames, KnowNothingElse) {
  const outside_names names{{named("git", "log")}};
  EXPECT_EQ(names.find("log"), nullptr);
  EXPECT_EQ(names.outside_of({"git", "push"}), "");
  EXPECT_EQ(names.size(), 1U);
}

// -- templates ----------------------------------------------------------------

TEST(UriTemplate, MatchesWhatMayComeFromIt) {
  EXPECT_TRUE(may_match("test://template/{id}/data", "test://template/123/data"));
  EXPECT_FALSE(may_match("test://template/{id}/data", "test://template//data"));
  EXPECT_FALSE(may_match("test://template/{id}/data", "test://template/1/2/data"));
  EXPECT_FALSE(may_match("test://template/{id}/data", "test://template/1/data/"));
  EXPECT_TRUE(may_match("file:///{+path}", "file:///a/b"));
  EXPECT_TRUE(may_match("db://{table}{?limit,offset}", "db://users"));
  EXPECT_TRUE(may_match("db://{table}{?limit,offset}", "db://users?limit=1"));
  EXPECT_TRUE(may_match("a{x}b{y}c", "a1b2bc"));
  EXPECT_TRUE(may_match("plain", "plain"));
  EXPECT_FALSE(may_match("plain", "plains"));
  EXPECT_FALSE(may_match("open{", "open{"));
  EXPECT_TRUE(may_match("", ""));
}

TEST(UriTemplate, HasItsBounds) {
  EXPECT_TRUE(may_match(std::string(1024, 'a'), std::string(1024, 'a')));
  EXPECT_FALSE(may_match(std::string(1025, 'a'), std::string(1025, 'a')));
  EXPECT_TRUE(may_match("{+x}", std::string(8192, 'a')));
  EXPECT_FALSE(may_match("{+x}", std::string(8193, 'a')));
}

// -- catalogue ----------------------------------------------------------------

constexpr time_point start{seconds{100}};
const endpoint everywhere{};

mcp_item item(const std::string& key_name, const std::string& key) {
  return {key, "{\"" + key_name + "\":\"" + key + "\",\"n\":1}"};
}

mcp_offer offer_of(const std::vector<std::string>& tools, const std::vector<std::string>& uris = {},
                   const std::vector<std::string>& templates = {}) {
  mcp_offer offer;
  for (const auto& name : tools) offer[mcp_list::tools].push_back(item("name", name));
  for (const auto& uri : uris) offer[mcp_list::resources].push_back(item("uri", uri));
  for (const auto& uri : templates) offer[mcp_list::templates].push_back(item("uriTemplate", uri));
  return offer;
}

catalogue three_servers() {
  catalogue all;
  all.set_servers({{"git", "DEV", "git"}, {"files", "DEV", "files"}, {"mail", "OFFICE", "mail"}});
  return all;
}

std::vector<std::string> names_at(const catalogue& all, const endpoint& at,
                                  mcp_list list = mcp_list::tools,
                                  const catalogue::filter& may = nullptr) {
  std::vector<std::string> result;
  const auto page = all.page(at, list, "", 0, 1000, may);
  for (const auto& json : page->items) {
    const auto begin = json.find(":\"") + 2;
    result.push_back(json.substr(begin, json.find('"', begin) - begin));
  }
  return result;
}

using texts = std::vector<std::string>;

TEST(Catalogue, ListsInTheOrderOfTheConfigurationWhateverComesFirst) {
  auto all = three_servers();
  all.set_offer("mail", offer_of({"send"}), start);
  all.set_offer("git", offer_of({"log", "diff"}), start);
  EXPECT_EQ(names_at(all, everywhere), (texts{"git__log", "git__diff", "mail__send"}));
  EXPECT_EQ(names_at(all, {endpoint::kind::department, "DEV"}), (texts{"git__log", "git__diff"}));
  EXPECT_EQ(names_at(all, {endpoint::kind::server, "git"}), (texts{"log", "diff"}));
  EXPECT_EQ(all.unknown_at(everywhere, nullptr), (texts{"files"}));
  EXPECT_EQ(all.unknown_at({endpoint::kind::department, "OFFICE"}, nullptr), (texts{}));
}

TEST(Catalogue, KeepsEverythingOfAnItemButItsName) {
  auto all = three_servers();
  all.set_offer("git", offer_of({"log"}), start);
  EXPECT_EQ(all.page(everywhere, mcp_list::tools, "", 0, 9, nullptr)->items,
            (texts{R"({"name":"git__log","n":1})"}));
}

TEST(Catalogue, IsNotEmptiedByAFailure) {
  auto all = three_servers();
  all.set_offer("git", offer_of({"log"}), start);
  all.note_failure("git", "did not start");
  EXPECT_EQ(names_at(all, everywhere), (texts{"git__log"}));
  const auto fresh = all.freshness_of("git");
  EXPECT_TRUE(fresh.known);
  EXPECT_EQ(fresh.read_at, start);
  EXPECT_EQ(fresh.last_failure, "did not start");
  all.set_offer("git", offer_of({"log"}), start + seconds{1});
  EXPECT_EQ(all.freshness_of("git").last_failure, "");
  EXPECT_EQ(all.freshness_of("git").read_at, start + seconds{1});
}

TEST(Catalogue, SaysWhichListsChanged) {
  auto all = three_servers();
  EXPECT_TRUE(all.set_offer("git", offer_of({"log"}), start).has(mcp_list::tools));
  EXPECT_FALSE(all.set_offer("git", offer_of({"log"}), start).any());
  const auto changes = all.set_offer("git", offer_of({"log"}, {"t://a"}), start);
  EXPECT_FALSE(changes.has(mcp_list::tools));
  EXPECT_TRUE(changes.has(mcp_list::resources));
  EXPECT_FALSE(all.set_offer("nobody", offer_of({"log"}), start).any());
  EXPECT_TRUE(all.forget_offer("git").has(mcp_list::tools));
  EXPECT_FALSE(all.forget_offer("git").any());
  EXPECT_EQ(names_at(all, everywhere), (texts{}));
}

TEST(Catalogue, KeepsOffersOverAReload) {
  auto all = three_servers();
  all.set_offer("git", offer_of({"log"}), start);
  all.set_offer("mail", offer_of({"send"}), start);
  all.set_servers({{"mail", "OFFICE", "mail"}, {"git", "DEV", "git"}, {"new", "DEV", "new"}});
  EXPECT_EQ(names_at(all, everywhere), (texts{"mail__send", "git__log"}));
  all.set_servers({{"git", "DEV", "git"}});
  EXPECT_EQ(names_at(all, everywhere), (texts{"git__log"}));
  EXPECT_EQ(all.find(everywhere, mcp_list::tools, "mail__send", nullptr), std::nullopt);
}

TEST(Catalogue, HasPagesThatGoOnWhereTheyEnded) {
  auto all = three_servers();
  all.set_offer("git", offer_of({"a", "b"}), start);
  all.set_offer("mail", offer_of({"c"}), start);
  const auto first = all.page(everywhere, mcp_list::tools, "", 0, 1, nullptr);
  ASSERT_TRUE(first->next);
  EXPECT_EQ(first->items.size(), 1U);
  const auto second =
      all.page(everywhere, mcp_list::tools, first->next->first, first->next->second, 1, nullptr);
  EXPECT_EQ(second->items[0].find("git__b"), 9U);
  // A server in front of it changes: nothing is left out or comes twice.
  all.set_offer("git", offer_of({"a", "b", "new"}), start);
  const auto third =
      all.page(everywhere, mcp_list::tools, second->next->first, second->next->second, 1, nullptr);
  EXPECT_EQ(third->items[0].find("mail__c"), 9U);
  EXPECT_FALSE(third->next);
  EXPECT_EQ(all.page(everywhere, mcp_list::tools, "gone", 0, 1, nullptr), std::nullopt);
  // Exactly as many as there are: no further page.
  EXPECT_FALSE(all.page(everywhere, mcp_list::tools, "", 0, 4, nullptr)->next);
  EXPECT_TRUE(all.page(everywhere, mcp_list::tools, "", 0, 3, nullptr)->next);
}

TEST(Catalogue, ShowsAndFindsOnlyWhatACallerMayUse) {
  auto all = three_servers();
  all.set_offer("git", offer_of({"log"}, {"t://a"}), start);
  all.set_offer("mail", offer_of({"send"}), start);
  const auto may = [](std::string_view server) { return server != "git"; };
  EXPECT_EQ(names_at(all, everywhere, mcp_list::tools, may), (texts{"mail__send"}));
  EXPECT_EQ(all.find(everywhere, mcp_list::tools, "git__log", may), std::nullopt);
  EXPECT_EQ(all.find({endpoint::kind::server, "git"}, mcp_list::tools, "log", may), std::nullopt);
  EXPECT_EQ(all.find_resource(everywhere, "t://a", may), std::nullopt);
  EXPECT_TRUE(all.find(everywhere, mcp_list::tools, "mail__send", may));
}

TEST(Catalogue, FindsWhoIsMeant) {
  auto all = three_servers();
  all.set_offer("git", offer_of({"log"}), start);
  EXPECT_EQ(all.find(everywhere, mcp_list::tools, "git__log", nullptr), (own_name{"git", "log"}));
  EXPECT_EQ(all.find({endpoint::kind::department, "OFFICE"}, mcp_list::tools, "git__log", nullptr),
            std::nullopt);
  EXPECT_EQ(all.find(everywhere, mcp_list::tools, "log", nullptr), std::nullopt);
  // Servers may have tools that they do not list, and may not be known yet.
  EXPECT_EQ(all.find({endpoint::kind::server, "git"}, mcp_list::tools, "hidden", nullptr),
            (own_name{"git", "hidden"}));
  EXPECT_EQ(all.find({endpoint::kind::server, "files"}, mcp_list::tools, "x", nullptr),
            (own_name{"files", "x"}));
}

TEST(Catalogue, GivesAPrefixToUrisThatTwoServersHave) {
  auto all = three_servers();
  all.set_offer("git", offer_of({}, {"t://a", "t://both"}), start);
  all.set_offer("files", offer_of({}, {"t://both"}, {"t://f/{x}"}), start);
  EXPECT_EQ(names_at(all, everywhere, mcp_list::resources),
            (texts{"t://a", "greenroom://git/t://both", "greenroom://files/t://both"}));
  EXPECT_EQ(names_at(all, {endpoint::kind::server, "git"}, mcp_list::resources),
            (texts{"t://a", "t://both"}));
  const auto found = [&](std::string_view uri) {
    return all.find_resource(everywhere, uri, nullptr);
  };
  EXPECT_EQ(found("t://a"), (own_name{"git", "t://a"}));
  EXPECT_EQ(found("greenroom://files/t://both"), (own_name{"files", "t://both"}));
  EXPECT_EQ(found("t://f/7"), (own_name{"files", "t://f/7"}));
  EXPECT_EQ(found("greenroom://files/t://f/7"), (own_name{"files", "t://f/7"}));
  EXPECT_EQ(found("t://nobody"), std::nullopt);
  EXPECT_EQ(all.shown_uri(everywhere, {"git", "t://both"}), "greenroom://git/t://both");
  EXPECT_EQ(all.shown_uri(everywhere, {"git", "t://a"}), "t://a");
}

TEST(Catalogue, KnowsItsEndpoints) {
  const auto all = three_servers();
  EXPECT_EQ(all.endpoint_of(""), endpoint{});
  EXPECT_EQ(all.endpoint_of("DEV"), (endpoint{endpoint::kind::department, "DEV"}));
  EXPECT_EQ(all.endpoint_of("git"), (endpoint{endpoint::kind::server, "git"}));
  EXPECT_EQ(all.endpoint_of("nobody"), std::nullopt);
  EXPECT_NE(hash_of({endpoint::kind::department, "git"}), hash_of({endpoint::kind::server, "git"}));
}

}  // namespace
}  // namespace greenroom::runtime::mcp
