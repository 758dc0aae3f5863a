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

bool may_match(std::string_view uri_template, std::string_view uri) {
  uri_matcher matcher{uri};
  const bool result = matcher.may_match(uri_template);
  EXPECT_FALSE(matcher.has_given_up()) << uri_template;
  return result;
}

TEST(UriTemplate, MatchesWhatMayComeFromIt) {
  EXPECT_TRUE(may_match("test://template/{id}/data", "test://template/123/data"));
  EXPECT_FALSE(may_match("test://template/{id}/data", "test://template//data"));
  EXPECT_FALSE(may_match("test://template/{id}/data", "test://template/1/2/data"));
  EXPECT_FALSE(may_match("test://template/{id}/data", "test://template/1/data/"));
  EXPECT_TRUE(may_match("file:///{+path}", "file:///a/b"));
  EXPECT_TRUE(may_match("db://{table}{?limit,offset}", "db://users"));
  EXPECT_TRUE(may_match("db://{table}{?limit,offset}", "db://users?limit=1"));
  EXPECT_TRUE(may_match("a{x}b{y}c", "a1b2bc"));
  EXPECT_FALSE(may_match("a{x}b{y}c", "a1bc"));
  EXPECT_TRUE(may_match("{x}aba{+y}", "1ababa"));
  EXPECT_TRUE(may_match("{+x}aa", "aaa"));
  EXPECT_FALSE(may_match("{x}aa", "aa"));
  EXPECT_TRUE(may_match("{x}{y}", "ab"));
  EXPECT_FALSE(may_match("{x}{y}", "a"));
  EXPECT_TRUE(may_match("a}b{x}", "a}bc"));
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

/// How many of `templates` are compared with a URI before its steps are used up.
std::size_t compared(uri_matcher matcher, const std::vector<std::string>& templates) {
  std::size_t result = 0;
  for (const auto& one : templates) {
    static_cast<void>(matcher.may_match(one));
    if (matcher.has_given_up()) break;
    ++result;
  }
  return result;
}

TEST(UriTemplate, HasABoundOnTheWorkOfAllComparisonsTogether) {
  // One for the template, three to begin, three for the expression.
  EXPECT_TRUE((uri_matcher{"ab", 7}.may_match("{x}")));
  uri_matcher short_of_one{"ab", 6};
  EXPECT_FALSE(short_of_one.may_match("{x}"));
  EXPECT_TRUE(short_of_one.has_given_up());
  // A false answer costs little, but it costs.
  EXPECT_EQ(compared(uri_matcher{"ab", 7}, std::vector<std::string>(9, "other{x}")), 7U);
}

TEST(UriTemplate, IsNotComparedAnyMoreWhenAnAttackHasUsedTheStepsUp) {
  const std::string uri(8192, 'a');
  // Each literal fits nearly everywhere and nowhere at its end.
  const auto literal = "{+x}" + std::string(1000, 'a') + "b{+y}";
  std::string expressions;
  while (expressions.size() < 1000) expressions += "{+x}a";
  for (const auto& bad : {literal, expressions + "b"}) {
    uri_matcher matcher{uri};
    for (int i = 0; i < 4096; ++i) EXPECT_FALSE(matcher.may_match(bad));
    EXPECT_TRUE(matcher.has_given_up());
    EXPECT_FALSE(matcher.may_match("{+x}")) << "even what is cheap";
    EXPECT_LE(compared(uri_matcher{uri}, std::vector<std::string>(4096, bad)), 2U);
  }
  // What servers really have fits within the bound: thousands with the same beginning.
  uri_matcher plain{"file:///home/user/project/source/some/folder/of/it/a_file.cpp"};
  for (int i = 0; i < 4096; ++i)
    EXPECT_FALSE(plain.may_match("file:///{+path}/item" + std::to_string(i) + "{?line,column}"));
  EXPECT_TRUE(plain.may_match("file:///{+path}"));
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
  const auto page = all.page(at, list, "", 0, 1000, may).value();
  for (const auto& json : page.items) {
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
  EXPECT_EQ(all.page(everywhere, mcp_list::tools, "", 0, 9, nullptr).value().items,
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
  ASSERT_TRUE(first && first->next);
  EXPECT_EQ(first->items.size(), 1U);
  const auto second =
      all.page(everywhere, mcp_list::tools, first->next->first, first->next->second, 1, nullptr);
  ASSERT_TRUE(second && second->next);
  EXPECT_EQ(second->items.at(0).find("git__b"), 9U);
  // A server in front of it changes: nothing is left out or comes twice.
  all.set_offer("git", offer_of({"a", "b", "new"}), start);
  const auto third =
      all.page(everywhere, mcp_list::tools, second->next->first, second->next->second, 1, nullptr);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->items.at(0).find("mail__c"), 9U);
  EXPECT_FALSE(third->next);
  EXPECT_EQ(all.page(everywhere, mcp_list::tools, "gone", 0, 1, nullptr), std::nullopt);
  // Exactly as many as there are: no further page.
  EXPECT_FALSE(all.page(everywhere, mcp_list::tools, "", 0, 4, nullptr).value().next);
  EXPECT_TRUE(all.page(everywhere, mcp_list::tools, "", 0, 3, nullptr).value().next);
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

TEST(Catalogue, FindsThroughThePrefixWhatCostlyTemplatesHide) {
  auto all = three_servers();
  const std::string uri(8192, 'a');
  const std::vector<std::string> costly(100, "{+x}" + std::string(1000, 'a') + "b{+y}");
  all.set_offer("git", offer_of({}, {}, costly), start);
  all.set_offer("files", offer_of({}, {"t://a"}, {"{+any}"}), start);
  EXPECT_EQ(all.find_resource(everywhere, uri, nullptr), std::nullopt);
  EXPECT_EQ(all.find_resource(everywhere, "greenroom://files/" + uri, nullptr),
            (own_name{"files", uri}));
  EXPECT_EQ(all.find_resource(everywhere, "t://a", nullptr), (own_name{"files", "t://a"}));
  EXPECT_EQ(all.find_resource(everywhere, "t://b", nullptr), (own_name{"files", "t://b"}));
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
