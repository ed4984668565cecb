package market

// region is a part of the world within which parcels travel best. It only decides for countries that no marketplace
// names, and the operator's own map goes before it.
type region struct {
	countries string
	then      []int // indexes of the regions to look in next
}

// The shipped map of nearest marketplaces. Every ISO 3166-1 country stands in exactly one region (a test counts them).
var regions = []region{
	{"US CA MX PR VI GU AS MP UM BM PM GL", []int{1, 2, 3}},
	{"BR AR CL CO PE VE EC UY PY BO GY SR GF FK GS", []int{0, 2, 3}},
	{"GT HN SV NI CR PA BZ CU DO HT JM TT BB BS GD LC VC AG DM KN AI VG TC KY MS AW CW BQ SX MF BL GP MQ", []int{0, 1, 3}},
	{"GB IE IM JE GG GI FR MC DE AT CH LI NL BE LU ES PT AD IT SM VA MT DK SE NO FI IS FO AX SJ PL CZ SK HU SI HR RO BG GR CY " +
		"EE LV LT AL BA RS ME MK XK UA MD BY RU TR GE AM AZ", []int{0, 4, 5}},
	{"AE SA QA KW BH OM YE IQ IR IL PS JO LB SY EG LY TN DZ MA EH", []int{3, 5, 0}},
	{"NG GH CI SN ML BF NE TG BJ GN GW SL LR GM CV MR CM GA GQ CG CD CF TD AO ST ZA NA BW ZW ZM MZ MW LS SZ MG MU SC KM RE YT " +
		"KE TZ UG RW BI ET ER DJ SO SS SD SH IO TF BV", []int{3, 4, 0}},
	{"IN PK BD LK NP BT MV AF KZ UZ TM KG TJ", []int{7, 4, 3, 0}},
	{"JP KR KP CN TW HK MO MN SG MY TH VN PH ID BN KH LA MM TL", []int{8, 6, 0, 3}},
	{"AU NZ PG FJ SB VU NC PF WF WS TO TV KI NR PW FM MH CK NU TK PN NF CX CC HM AQ", []int{7, 0, 3}},
}
