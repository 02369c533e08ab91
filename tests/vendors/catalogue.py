"""Every vendor that the conformance suite runs. A new kind adds its line here."""

from __future__ import annotations

from vendors import bluesky, generic, google_sheets, odk, qualtrics, shopify, surveymonkey, typeform, x, youtube
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
    x.XPosts,
    x.XMentions,
    youtube.YouTubeVideos,
    google_sheets.Spreadsheet,
    qualtrics.ExportJobs,
    typeform.Responses,
    surveymonkey.Bulk,
    odk.Submissions,
)
