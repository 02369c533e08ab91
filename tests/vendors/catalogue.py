"""Every vendor that the conformance suite runs. A new kind adds its line here."""

from __future__ import annotations

from vendors import (
    bluesky,
    ec_cube,
    generic,
    google_sheets,
    line,
    mastodon,
    meta,
    odk,
    qualtrics,
    shopify,
    surveymonkey,
    thebase,
    typeform,
    woocommerce,
    x,
    youtube,
)
from vendors.base import Vendor

ALL: tuple[type[Vendor], ...] = (
    generic.LinkedShop,
    generic.NewestFirstShop,
    generic.OffsetGraphqlShop,
    generic.LinkHeaderNetwork,
    generic.CursorNetwork,
    generic.PagedSurvey,
    generic.FlatGraphqlSurvey,
    bluesky.BlueskyPosts,
    bluesky.BlueskyMentions,
    shopify.ShopifyOrders,
    shopify.ShopifyBulk,
    woocommerce.WooOrders,
    ec_cube.EcCubeOrders,
    thebase.BaseOrders,
    x.XPosts,
    x.XMentions,
    youtube.YouTubeVideos,
    meta.InstagramMedia,
    meta.FacebookPosts,
    line.LineAccount,
    mastodon.MastodonPosts,
    mastodon.MastodonMentions,
    google_sheets.Spreadsheet,
    qualtrics.ExportJobs,
    typeform.Responses,
    surveymonkey.Bulk,
    odk.Submissions,
)
